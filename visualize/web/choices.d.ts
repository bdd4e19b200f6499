// The types of the module that visualize/page/link/choices.py writes of its table; the server and the tests hand it out.

export interface Choice {
  name: string;
  key: string;
  label: string;
  default: any;
  values: Record<string, string>;
  hints: Record<string, string>;
}

export const CHOICES: Record<string, Choice>;
export const SETTING_KEYS: Record<string, string>;
export const OTHERS: string;

/** What a lesson can ask of the running model: { kind, takes, optional }. */
export const MEASURES: Record<string, { kind: string; takes: string[]; optional: string[] }>;
/** The values of those parameters that have names. */
export const MEASURE_VALUES: Record<string, string[]>;
export const POINTS: string[];
