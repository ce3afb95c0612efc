/**
 * JSON as our editors emit it, kept in `tests/contract` and parsed there by the backend's own tests.
 * `OUTLAY_UPDATE_CONTRACT=1` writes; otherwise a missing file is a failure, never made silently. Test-only.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';

const CONTRACT = join(__dirname, '../../../tests/contract');

/** A query as an editor or the data source emits it; the name begins with its kind. */
export function expectRequest(name: string, query: object) {
  expectFile(join(CONTRACT, 'requests'), name, query);
}

/** `jsonData` as the settings page saves it. */
export function expectSettings(name: string, settings: object) {
  expectFile(join(CONTRACT, 'settings'), name, settings);
}

function expectFile(folder: string, name: string, content: object) {
  const file = join(folder, `${name}.json`);
  const text = `${JSON.stringify(content, null, 2)}\n`;
  if (process.env.OUTLAY_UPDATE_CONTRACT) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8').replace(/\r\n/g, '\n'));
}
