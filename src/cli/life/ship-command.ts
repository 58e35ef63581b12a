import process from 'node:process';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import type { ShipReport } from '../../journal/index.ts';
import { openHome } from '../../journal/index.ts';
import { openShipping } from './shipping.ts';
import { chooseHome } from '../open.ts';
import { errorToLine } from '../print/complaint.ts';
import { toBytes, toPlural } from '../print/figures.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { examples, exitStatus, optionsOf, printJson } from '../commands/command.ts';

interface ShipFlags extends GlobalOptions {
  readonly url?: string;
}

/** One line on records that this key may not send. */
export function toForeignLine(foreign: ShipReport['foreign']): string {
  const bytes = foreign.reduce((sum, each) => sum + each.bytes, 0);
  const projects = foreign.map(({ projectId }) => JSON.stringify(projectId)).join(', ');
  return `tachograph: ${toBytes(bytes)} of records of the project ${projects} wait for a key of their own: TACHOGRAPH_KEY is one of another project. They are safe here.`;
}

const patienceMs = 24 * 3_600_000;

/** `tachograph ship`: sends records that wait for a server. */
export function addShip(program: Command, place: CommandPlace): void {
  program
    .command('ship')
    .description('Send records that wait in the outbox to their server, and come back when all of them are there.')
    .option('--url <address>', 'the server (default: TACHOGRAPH_URL); the key is TACHOGRAPH_KEY')
    .addHelpText('after', examples('tachograph ship', 'tachograph ship --url https://records.example'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<ShipFlags>(self);
      const { terminal } = place;
      const variables = flags.url === undefined ? process.env : { ...process.env, TACHOGRAPH_URL: flags.url };
      const shipping = openShipping(openHome(chooseHome(flags.home)), variables, (error) =>
        terminal.note(`tachograph: ${errorToLine(error)}`),
      );
      if (shipping === null)
        throw new TachographError('bad-argument', 'No server is named; give --url or set TACHOGRAPH_URL.');
      const { isAll, report } = await shipping.drain(patienceMs);
      const foreignBytes = report.foreign.reduce((sum, { bytes }) => sum + bytes, 0);
      if (flags.json === true) printJson(terminal, { url: shipping.url, isAll, ...report });
      else
        terminal.print(
          `${toPlural(report.entries, 'record')} sent to ${shipping.url}${report.setAside === 0 ? '' : `, ${report.setAside} refused and set aside in the outbox`}${report.waitingBytes === 0 ? '' : `, ${toBytes(report.waitingBytes)} still wait`}.`,
        );
      if (flags.json !== true && foreignBytes > 0) terminal.note(toForeignLine(report.foreign));
      if (!isAll || report.setAside > 0 || foreignBytes > 0) place.exit(exitStatus.wanting);
    });
}
