import { toVisible } from '../print/terminal.ts';

/** C1 controls, bidi and invisible characters: JSON leaves them as they are, and a terminal obeys them. */
const steering = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A line of JSON with what could steer a terminal escaped. It is the same JSON: such characters stand in strings only. */
export function escapeLine(line: string): string {
  return line.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value of a line for people: in quotes when it is no plain word, so that no value reads like another fact. */
function valueToText(value: unknown): string {
  const text = toVisible(String(value));
  return /^[\w./:@{}()+%-]+$/.test(text) ? text : JSON.stringify(text);
}

/** A line of JSON as a line for people: time, level, event, and the facts as name=value. */
export function lineToText(line: string): string {
  const { level, time, event, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries(facts)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${valueToText(value)}`);
  return `${[String(time), String(level).padEnd(5), valueToText(event), ...pairs].join(' ')}\n`;
}
