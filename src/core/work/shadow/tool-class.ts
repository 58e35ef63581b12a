import type { ToolClass } from '../agent.ts';
import { toolClasses } from '../agent.ts';

/*
 * Whether a tool only reads, or does something that cannot be undone. Whoever may say so, in this order:
 *
 *   its agent's registration   decides by itself, since the owner of the agent answers for it
 *   its own hints              a missing one means destructive; from a server that is not trusted they can only raise
 *   the words of its name      can only raise
 *   nobody                     destructive
 */

/** What a tool says of itself, as the Model Context Protocol has it. What is missing was not said. */
export interface ToolHints {
  readonly readOnlyHint?: boolean | null;
  readonly destructiveHint?: boolean | null;
  readonly idempotentHint?: boolean | null;
}

/** What is known of a tool before it is called. */
export interface ToolEvidence {
  readonly name: string;
  /** What the agent's registration says; `null`: it says nothing. */
  readonly registered: ToolClass | null;
  /** `null`: the tool says nothing of itself. */
  readonly hints: ToolHints | null;
  /** Whoever gives the hints is trusted to know and to say the truth. */
  readonly isTrusted: boolean;
}

/** Who said what class a tool is of. */
export const classSources = ['registration', 'hints', 'name', 'nobody'] as const;

/** One of them. */
export type ClassSource = (typeof classSources)[number];

/** The class of a tool, and who said so. */
export interface ClassVerdict {
  readonly class: ToolClass;
  readonly source: ClassSource;
}

/** Whole words of a name that make a tool destructive, whatever its hints say. */
export const destructiveWords: ReadonlySet<string> = new Set(
  (
    'delete drop remove kill terminate destroy rollback revert patch apply exec execute restart scale cordon drain ' +
    'transfer truncate send pay refund publish force push merge write update create'
  ).split(' '),
);

/** Names past this are not taken apart: no tool that is only read has one. */
const nameCharsMax = 1000;

const disguises = /[\p{Default_Ignorable_Code_Point}\p{Mark}\p{Cc}]/gu;
const word = /\p{Lu}+(?![\p{Ll}])|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{Nd}+/gu;

/**
 * The words of a tool's name, lower case: split where the case changes, at digits, and at everything that is no letter.
 * Letters in other widths count as the plain ones, and what is not seen (zero-width characters, accents) as not there.
 */
export function nameToWords(name: string): readonly string[] {
  const plain = name.slice(0, nameCharsMax).normalize('NFKD').replaceAll(disguises, '');
  return (plain.match(word) ?? []).map((each) => each.toLowerCase());
}

/** True when a word of the name says that the tool does something, or when the name is too long to be looked through. */
export function isDestructiveName(name: string): boolean {
  return name.length > nameCharsMax || nameToWords(name).some((each) => destructiveWords.has(each));
}

/** The class that hints make. Only what is said of all that matters lowers it; what contradicts itself does not. */
function hintsToClass({ readOnlyHint, destructiveHint, idempotentHint }: ToolHints): ToolClass {
  if (destructiveHint === true) return 'destructive';
  if (readOnlyHint === true) return 'read';
  return destructiveHint === false && idempotentHint === true ? 'idempotent' : 'destructive';
}

/** The higher one of two classes. */
export function higherClass(a: ToolClass, b: ToolClass): ToolClass {
  return toolClasses.indexOf(a) >= toolClasses.indexOf(b) ? a : b;
}

/** What class a tool is of. Neither the words of its name nor hints of one who is not trusted ever lower it. */
export function classifyTool({ name, registered, hints, isTrusted }: ToolEvidence): ClassVerdict {
  if (registered !== null) return { class: registered, source: 'registration' };
  const hinted = hints !== null && isTrusted ? hintsToClass(hints) : null;
  if (isDestructiveName(name) && hinted !== 'destructive') return { class: 'destructive', source: 'name' };
  if (hinted !== null) return { class: hinted, source: 'hints' };
  return { class: 'destructive', source: hints?.destructiveHint === true ? 'hints' : 'nobody' };
}
