/** The digits of a text, in order. */
export const digitsOf = (text: string): number[] => [...text].filter((character) => /\d/.test(character)).map(Number);

const sumOf = (digits: readonly number[], weights: readonly number[]): number =>
  weights.reduce((sum, weight, at) => sum + weight * digits[at]!, 0);

/** Luhn: payment cards, and several national numbers. */
export function isLuhn(digits: readonly number[]): boolean {
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return digits.length > 1 && sum % 10 === 0;
}

/** ISO 7064 mod 97-10 over letters and digits with the first four moved behind: IBAN. */
export function isIban(text: string): boolean {
  const moved = text.slice(4) + text.slice(0, 4);
  let rest = 0;
  for (const character of moved)
    for (const digit of Number.parseInt(character, 36).toString()) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

const verhoeffProduct = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const verhoeffTurn = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];

/** Verhoeff: India. */
export function isVerhoeff(digits: readonly number[]): boolean {
  let check = 0;
  digits.toReversed().forEach((digit, at) => {
    check = Number(verhoeffProduct[check]![Number(verhoeffTurn[at % 8]![digit]!)]!);
  });
  return check === 0;
}

/** ISO 7064 mod 11,10: Germany's tax number. */
export function isMod1110(digits: readonly number[]): boolean {
  let product = 10;
  for (const digit of digits.slice(0, -1)) {
    const sum = (digit + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === digits.at(-1)!;
}

/** A weighted sum whose rest by 11 gives the last digit, 10 and 11 read as 0 (or refused). */
function isBrazilianPart(digits: readonly number[], length: number, cycle: number): boolean {
  const weights = Array.from({ length }, (_, at) => ((length - 1 - at) % cycle) + 2);
  const rest = sumOf(digits, weights) % 11;
  return digits[length] === (rest < 2 ? 0 : 11 - rest);
}

const isMixed = (digits: readonly number[]): boolean => new Set(digits).size > 1;

/** National numbers by what their last digits or letter must be. Digits of the whole number are handed over. */
export const checks = {
  cpf: (digits: readonly number[]) =>
    isMixed(digits) && isBrazilianPart(digits, 9, 10) && isBrazilianPart(digits, 10, 11),
  cnpj: (digits: readonly number[]) =>
    isMixed(digits) && isBrazilianPart(digits, 12, 8) && isBrazilianPart(digits, 13, 8),
  pesel: (digits: readonly number[]) => sumOf(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0,
  bsn: (digits: readonly number[]) => isMixed(digits) && sumOf(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
  ean13: (digits: readonly number[]) => sumOf(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
  nhs: (digits: readonly number[]) => {
    const check = 11 - (sumOf(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    return check !== 10 && digits[9] === check % 11;
  },
  korea: (digits: readonly number[]) =>
    (11 - (sumOf(digits, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === digits[12],
  turkey: (digits: readonly number[]) => {
    const odd = digits[0]! + digits[2]! + digits[4]! + digits[6]! + digits[8]!;
    const even = digits[1]! + digits[3]! + digits[5]! + digits[7]!;
    const tenth = (((odd * 7 - even) % 10) + 10) % 10;
    return digits[9] === tenth && digits.slice(0, 10).reduce((sum, digit) => sum + digit, 0) % 10 === digits[10];
  },
  belgium: (digits: readonly number[]) => {
    const head = Number(digits.slice(0, 9).join(''));
    const check = Number(digits.slice(9).join(''));
    return check === 97 - (head % 97) || check === 97 - ((2_000_000_000 + head) % 97);
  },
} satisfies Record<string, (digits: readonly number[]) => boolean>;

/** Spain: eight digits, or a letter for the first of them, and the letter of their rest by 23. */
export function isSpanish(text: string): boolean {
  const number = Number(text.slice(0, -1).replace(/^X/, '0').replace(/^Y/, '1').replace(/^Z/, '2'));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === text.at(-1);
}

/** France: thirteen digits, Corsica's letters among them, and the complement of their rest by 97. */
export function isFrench(text: string): boolean {
  const plain = text
    .replaceAll(/\D(?<![AB])/g, '')
    .replace('2A', '19')
    .replace('2B', '18');
  return /^\d{15}$/.test(plain) && 97 - Number(BigInt(plain.slice(0, 13)) % 97n) === Number(plain.slice(13));
}

const italianOdd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Italy: the letter of the sum over fifteen letters and digits, those at odd places by a table. */
export function isItalian(text: string): boolean {
  const values = [...text].map((character) =>
    /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65,
  );
  const sum = values.slice(0, 15).reduce((total, value, at) => total + (at % 2 === 0 ? italianOdd[value]! : value), 0);
  return sum % 26 === values[15];
}

/** China: seventeen digits and their weighted rest by 11, `X` for ten. */
export function isChinese(text: string): boolean {
  const sum = [...text.slice(0, 17)].reduce((total, digit, at) => total + Number(digit) * (2 ** (17 - at) % 11), 0);
  return '10X98765432'[sum % 11] === text[17]!.toUpperCase();
}

/** Finland: the rest by 31 of the nine digits. */
export function isFinnish(text: string): boolean {
  const number = Number(text.slice(0, 6) + text.slice(7, 10));
  return '0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31] === text[10];
}
