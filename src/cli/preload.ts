import { startRecording } from './recording.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * What a program gets before its own first line: under `tachograph replay` its requests to model hosts go to the replay;
 * then its recording starts, around whatever answers.
 */
export async function preload(variables: Variables): Promise<void> {
  if (variables['TACHOGRAPH_REPLAY'] !== undefined) {
    const { redirectRequests } = await import('./replay/redirect.ts');
    redirectRequests(variables);
  }
  startRecording(variables);
}
