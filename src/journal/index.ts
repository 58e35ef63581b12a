export type { Liveness } from './identity.ts';
export { currentIdentity, isProcessAlive } from './identity.ts';
export {
  bumpGeneration,
  defaultHome,
  generationCheckMs,
  journalFolder,
  openHome,
  openSealHeads,
  projectToFolder,
  readGeneration,
  readKey,
  readOrCreateKey,
} from './home.ts';
export type { FileOperations, WritePlace } from './file-operations.ts';
export { systemFiles } from './file-operations.ts';
export type { JournalOptions } from './writer.ts';
export { createJournal } from './writer.ts';
export type { JournalHeader } from './frame.ts';
export { formatVersion } from './frame.ts';
export type { JournalDamage, JournalPart, JournalPlace } from './reader.ts';
export { readJournal, readJournalHeader } from './reader.ts';
export type { JournalFile } from './shelf.ts';
export {
  copyAside,
  listJournals,
  listQuarantine,
  quarantineJournal,
  readAck,
  readCauses,
  removeJournal,
  removeJournalAt,
  removeQuarantined,
  writeAck,
} from './shelf.ts';
export type { ErasureTarget, ErasureTargets } from './entry.ts';
export type { JournalErasure } from './erase.ts';
export { eraseFromJournals } from './erase.ts';
export type { RecordingRules } from './settings/settings-file.ts';
export {
  readRecordingRules,
  readSettings,
  settingsFile,
  settingsToSwitches,
  watchSettings,
} from './settings/settings-file.ts';
export type { OpenRecorderOptions } from './open-recorder.ts';
export { openRecorder } from './open-recorder.ts';
export type { SinkOptions } from './sink/sink.ts';
export { createSink } from './sink/sink.ts';
export { chooseProject, openOutbox, outboxFolder, serverUrl } from './shipping/outbox.ts';
export type { OutboxJournalOptions } from './shipping/outbox-journal.ts';
export { createOutboxJournal } from './shipping/outbox-journal.ts';
export type { Shipper, ShipperOptions, ShipReport } from './shipping/shipper.ts';
export { createShipper } from './shipping/shipper.ts';
export { readReceiptsSince, receiptsEnd, receiptsFile } from './shipping/receipt-book.ts';
export type { ServerNote } from './shipping/server-note.ts';
export { readServerNote } from './shipping/server-note.ts';
export type { Inbox, InboxOptions, TakenBatch } from './sink/inbox.ts';
export { createInbox } from './sink/inbox.ts';
export type { OpenSinkRecorderOptions } from './sink/open-sink-recorder.ts';
export { openSinkRecorder } from './sink/open-sink-recorder.ts';
