import { QuorateError } from '@quorate/shared/errors'
import { commands } from './commands.js'
import type { Host } from './host.js'

/** A systemd unit as `systemctl show` prints it. */
export interface UnitProperties {
  /** `loaded`, `not-found`, `masked`, ... */
  readonly loadState: string
  /** `active`, `activating`, `inactive`, `failed`, ... */
  readonly activeState: string
  readonly subState: string
  /** `enabled`, `disabled`, `transient`, ...; empty without a unit file. */
  readonly unitFileState: string
  /** `success`, `exit-code`, `signal`, `timeout`, ... */
  readonly result: string
  /** Exit status, or the number of the signal if `result` is `signal`. */
  readonly execMainStatus: number
  /** Unix milliseconds, whole seconds; 0 for never. */
  readonly activeEnterUnixMs: number
  readonly execMainStartUnixMs: number
  /** 0 if the unit has no process. */
  readonly mainPid: number
}

/** Reads a unit's state from systemd; a missing unit has loadState `not-found`. Throws COMMAND_FAILED if systemd does not answer. */
export async function readUnit(host: Host, unit: string, signal?: AbortSignal): Promise<UnitProperties> {
  const [properties] = await readUnits(host, [unit], signal)
  return properties as UnitProperties
}

/** The same for several units; results in the order asked. */
export async function readUnits(
  host: Host,
  units: readonly string[],
  signal?: AbortSignal,
): Promise<readonly UnitProperties[]> {
  const { exitCode, stdout, stderr } = await host.run(commands.showUnits(units), signal)
  // An empty line separates two units.
  const answers = stdout.trimEnd().split('\n\n')
  if (exitCode !== 0 || answers.length !== units.length) {
    throw new QuorateError(
      'COMMAND_FAILED',
      `systemctl show ${units.join(' ')} ended with ${exitCode}: ${stderr.trim() || `${answers.length} answers`}`,
    )
  }
  return answers.map(parseProperties)
}

function parseProperties(text: string): UnitProperties {
  const properties = new Map(text.split('\n').map((line) => splitOnce(line)))
  const of = (name: string): string => properties.get(name) ?? ''
  return {
    loadState: of('LoadState'),
    activeState: of('ActiveState'),
    subState: of('SubState'),
    unitFileState: of('UnitFileState'),
    result: of('Result'),
    execMainStatus: Number(of('ExecMainStatus') || 0),
    activeEnterUnixMs: parseSystemdTime(of('ActiveEnterTimestamp')),
    execMainStartUnixMs: parseSystemdTime(of('ExecMainStartTimestamp')),
    mainPid: Number(of('MainPID') || 0),
  }
}

/** `Tue 2026-03-03 10:11:12 UTC` to Unix milliseconds; 0 for empty or `n/a`. Programs run with TZ=UTC, so the zone is always UTC. */
export function parseSystemdTime(text: string): number {
  const match = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})/.exec(text)
  return match === null ? 0 : Date.parse(`${match[1]}T${match[2]}Z`)
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=')
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
}
