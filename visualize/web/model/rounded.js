// Numbers and classes as answers give them.

/** A number with so many decimal places. */
export const rounded = (value, digits = 6) => Number(value.toFixed(digits));

/** The classes shown, most probable first: `label`, `probability` and `logit`. */
export function classes({ shown, probabilities, logits }, labels) {
  const order = [...shown].sort((a, b) => probabilities[b] - probabilities[a]);
  return order.map((index) => ({ label: labels[index], probability: rounded(probabilities[index]), logit: rounded(logits[index]) }));
}
