import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { TachographError } from '../../core/error.ts';

/** How far a provider's name may point: `public` for the known ones, `own` for one that its user named by address. */
export type Reach = 'public' | 'own';

type Subnet = readonly [net: string, prefix: number, type: 'ipv4' | 'ipv6'];

/** Nobody's model is there: this host as a whole, the cloud's metadata, groups of machines. */
const neverUsed: readonly Subnet[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  ['fd00:ec2::', 32, 'ipv6'],
];

/** Machines of this house: a name that its provider keeps in public never points there. */
const inHouse: readonly Subnet[] = [
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
];

function toBlockList(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix, type] of subnets) list.addSubnet(net, prefix, type);
  return list;
}

const refusedByReach: Readonly<Record<Reach, BlockList>> = {
  own: toBlockList(neverUsed),
  public: toBlockList([...neverUsed, ...inHouse]),
};

/** True when an upstream of this reach may be spoken to at this IP address. */
export function isAddressAllowed(address: string, reach: Reach): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return !refusedByReach[reach].check(address, family === 6 ? 'ipv6' : 'ipv4');
}

function toAddressError(host: string, address: string): TachographError {
  return new TachographError(
    'bad-argument',
    `The name ${host} points to ${address}, where no provider is. Name the upstream yourself (--proxy-upstream) if this is meant; ` +
      'addresses of this host as a whole, of cloud metadata and of groups are never used.',
  );
}

/** Looks names up and refuses the answer when one address in it is not allowed: which one is taken is not ours to say. */
export function createGuardedLookup(reach: Reach, lookup: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options: LookupOptions, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0);
      const bad = addresses.find(({ address }) => !isAddressAllowed(address, reach));
      if (bad !== undefined) return callback(toAddressError(hostname, bad.address), '', 0);
      if (options.all === true) return callback(null, addresses);
      return callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}
