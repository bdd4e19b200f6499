// Whole numbers, each below a radix of its own, as one large number; and text as such digits.

// Most letters take one digit, all others a second one. The second table may grow, at its end only: codes are kept.
const FREQUENT = " earolnitscbpghumdkfywv"; // in the order of how often they stand in names of classes
const RARE = "zjxq0123456789-.,'()äöüßáàâãåæçéèêëíìîïñóòôõøœúùûýčšžłğı";
const MORE = FREQUENT.length; // a second digit follows
const [RARES, FLIP, OTHER] = [96, 94, 95]; // the next letter's case is the other one; a letter that is in neither table
const POINTS = 0x110000; // of Unicode
const LETTERS = FREQUENT + RARE;

/** Digits that are put one after the other; `number` is all of them. */
export class Writer {
  #digits = /** @type {[number, number][]} */ ([]);

  put(value, radix) {
    if (!Number.isInteger(value) || value < 0 || value >= radix) throw new RangeError(`${value} is not below ${radix}`);
    this.#digits.push([value, radix]);
  }

  get number() {
    return this.#digits.reduceRight((total, [value, radix]) => total * BigInt(radix) + BigInt(value), 0n);
  }
}

/** Takes digits from a number in the order in which they were put; `rest` is 0 when there are no more. */
export class Reader {
  constructor(number) {
    this.rest = number;
  }

  take(radix) {
    const value = Number(this.rest % BigInt(radix));
    this.rest /= BigInt(radix);
    return value;
  }
}

const lower = (letter) => letter.toLowerCase();
const upper = (letter) => letter.toUpperCase();
/** Whether a small letter has a capital, of one letter. */
const hasCase = (small) => upper(small) !== small && upper(small).length === 1;
/** Whether a letter is expected to be a capital: in a name the first one of each word. */
const expected = (letters, index, name) => name && (index === 0 || letters[index - 1] === " ");

function putSymbol(writer, symbol) {
  writer.put(Math.min(symbol, MORE), MORE + 1);
  if (symbol >= MORE) writer.put(symbol - MORE, RARES);
}

function takeSymbol(reader) {
  const symbol = reader.take(MORE + 1);
  return symbol < MORE ? symbol : MORE + reader.take(RARES);
}

/** Text of at most `most` letters; `name`: its words usually begin with capitals. */
export function putText(writer, text, most, name = false) {
  const letters = Array.from(text);
  writer.put(letters.length, most + 1);
  letters.forEach((letter, index) => {
    const small = lower(letter);
    const symbol = small.length === 1 ? LETTERS.indexOf(small) : -1;
    if (symbol < 0 || ![small, upper(small)].includes(letter)) {
      putSymbol(writer, MORE + OTHER);
      writer.put(/** @type {number} */ (letter.codePointAt(0)), POINTS);
      return;
    }
    if (hasCase(small) && (letter !== small) !== expected(letters, index, name)) putSymbol(writer, MORE + FLIP);
    putSymbol(writer, symbol);
  });
}

/** The text that `putText` put; null if there is none like it. */
export function takeText(reader, most, name = false) {
  const letters = /** @type {string[]} */ ([]);
  for (let left = reader.take(most + 1); left > 0; left--) {
    let symbol = takeSymbol(reader);
    if (symbol === MORE + OTHER) {
      letters.push(String.fromCodePoint(reader.take(POINTS)));
      continue;
    }
    const flipped = symbol === MORE + FLIP;
    if (flipped) symbol = takeSymbol(reader);
    const small = LETTERS[symbol];
    if (small === undefined) return null;
    const capital = hasCase(small) && expected(letters, letters.length, name) !== flipped;
    letters.push(capital ? upper(small) : small);
  }
  return letters.join("");
}
