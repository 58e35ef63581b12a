import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

/** The types that the sources of an installed package declare. */
export interface SdkTypes {
  /** `field`, and `field.inner` where a field is an object written out in place, sorted. Fails for an unknown type. */
  fieldsOf(name: string): readonly string[];
  /** The values of the field `type` in a union of parts, sorted. */
  partTypesOf(name: string): readonly string[];
}

function addTypes(path: string, into: Map<string, Node>): void {
  const { program, errors } = parseSync(path, readFileSync(path, 'utf8'));
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]!.message}`);
  for (const statement of program.body as unknown as Node[]) {
    const declared =
      statement.type === 'ExportNamedDeclaration' ? (statement['declaration'] as Node | null) : statement;
    if (declared === null || declared === undefined) continue;
    const name = (declared['id'] as { name?: string } | undefined)?.name ?? '';
    if (declared.type === 'TSTypeAliasDeclaration') into.set(name, declared['typeAnnotation'] as Node);
    if (declared.type === 'TSInterfaceDeclaration')
      into.set(name, { ...(declared['body'] as Node), extends: declared['extends'] });
  }
}

function keyOf(member: Node): string {
  const key = member['key'] as { name?: string; value?: string } | undefined;
  return key?.name ?? key?.value ?? '?';
}

function annotationOf(member: Node): Node | undefined {
  return (member['typeAnnotation'] as { typeAnnotation?: Node } | undefined)?.typeAnnotation;
}

/** Reads the TypeScript sources under a folder of an installed package. No compiler is asked: names are resolved by name. */
export function readSdkTypes(packageName: string, folder: string): SdkTypes {
  const root = join(dirname(fileURLToPath(import.meta.resolve(`${packageName}/package.json`))), folder);
  const types = new Map<string, Node>();
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(file)) addTypes(join(root, file), types);

  /** The members of a type: of every variant of a union, of every side of an intersection. */
  const membersOf = (node: Node | undefined): Node[] => {
    switch (node?.type) {
      case 'TSTypeLiteral':
        return node['members'] as Node[];
      case 'TSInterfaceBody': {
        const bases = ((node['extends'] ?? []) as Node[]).map((base) => (base['expression'] as { name: string }).name);
        return [...(node['body'] as Node[]), ...bases.flatMap((base) => membersOf(types.get(base)))];
      }
      case 'TSUnionType':
      case 'TSIntersectionType':
        return (node['types'] as Node[]).flatMap(membersOf);
      case 'TSParenthesizedType':
        return membersOf(node['typeAnnotation'] as Node);
      case 'TSTypeReference':
        return membersOf(types.get((node['typeName'] as { name: string }).name));
      default:
        return [];
    }
  };
  const find = (name: string): Node => {
    const node = types.get(name);
    if (node === undefined) throw new Error(`${packageName} has no type ${name} any more`);
    return node;
  };

  return {
    fieldsOf(name) {
      const fields = membersOf(find(name)).flatMap((member) => {
        const type = annotationOf(member);
        const inner = type === undefined || type.type === 'TSTypeReference' ? [] : membersOf(type);
        return [keyOf(member), ...inner.map((item) => `${keyOf(member)}.${keyOf(item)}`)];
      });
      return [...new Set(fields)].toSorted();
    },
    partTypesOf(name) {
      const literals = membersOf(find(name))
        .filter((member) => keyOf(member) === 'type')
        .map((member) => String((annotationOf(member)!['literal'] as { value: unknown }).value));
      return [...new Set(literals)].toSorted();
    },
  };
}
