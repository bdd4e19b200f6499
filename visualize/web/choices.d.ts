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
