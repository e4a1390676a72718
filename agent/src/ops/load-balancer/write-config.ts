import { QuorateError } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { commands, type LoadBalancerUnit } from '../../host/commands.js'
import { backupPlace, keepUnit } from '../backup/store.js'
import { editFile } from '../edit-file.js'
import type { ChangeContext } from '../operation.js'
import { haproxyConfigPath, keepalivedConfigPath, runtimeFolder } from '../paths.js'
import { lastLines } from '../run-unit.js'
import { isForeign } from './foreign-config.js'
import { forgetLoaded, unitBefore } from './units.js'

export const configPaths: Readonly<Record<LoadBalancerUnit, string>> = {
  haproxy: haproxyConfigPath,
  keepalived: keepalivedConfigPath,
}

const checks = { haproxy: commands.checkHaproxyConfig, keepalived: commands.checkKeepalivedConfig } as const
const versions = { haproxy: commands.haproxyVersion, keepalived: commands.keepalivedVersion } as const

/** COMMAND_FAILED where a program is missing: Quorate installs no packages. */
export async function requireInstalled(context: ChangeContext, units: readonly LoadBalancerUnit[]): Promise<void> {
  const { host } = context.tools
  for (const unit of units) {
    const { exitCode } = await host.run(versions[unit](), context.signal)
    if (exitCode === 0) continue
    throw new QuorateError('COMMAND_FAILED', `${unit} is not installed on this node`, {
      remedy: 'On that node: `apt-get install haproxy keepalived`, then run it again.',
    })
  }
}

/** DRIFT when a service already runs a configuration that somebody wrote: it serves something that is not ours to stop. */
export async function refuseForeign(context: ChangeContext, unit: LoadBalancerUnit): Promise<void> {
  const { host } = context.tools
  const path = configPaths[unit]
  const file = await host.read(path)
  if (file === undefined || !isForeign(file.bytes.toString('utf8'))) return
  const { active, enabled } = await unitBefore(host, unit, context.signal)
  if (!active && !enabled) return
  throw new QuorateError('DRIFT', `${path} is not Quorate's and ${unit} ${active ? 'runs' : 'is enabled'} with it`, {
    where: path,
    remedy: `Move what ${unit} serves on this node elsewhere and disable it, or use a load balancer of kind external.`,
  })
}

/** Writes one configuration after its own program has found it good; keeps what was there, file and state of the service. */
export async function writeConfig(
  context: ChangeContext,
  unit: LoadBalancerUnit,
  text: string,
): Promise<OperationResult> {
  const { host } = context.tools
  const path = configPaths[unit]
  if ((await host.read(path))?.bytes.equals(Buffer.from(text)) !== true) {
    await testConfig(context, unit, text)
    // Somebody else wrote the file since, and had it loaded too: what the service runs is not known any more.
    await forgetLoaded(host, unit)
  }
  await keepUnit(backupPlace(context), unit, await unitBefore(host, unit, context.signal))
  return editFile(context, {
    path,
    edit: () => text,
    mode: 0o644,
    done: `${path} written`,
    alreadySo: `${path} is already so`,
  })
}

async function testConfig(context: ChangeContext, unit: LoadBalancerUnit, text: string): Promise<void> {
  const { host } = context.tools
  const staged = `${runtimeFolder}/${unit}-${context.header.operationId}.cfg`
  await host.replace(staged, Buffer.from(text), { mode: 0o600 })
  try {
    const { exitCode, stdout, stderr } = await host.run(checks[unit](staged), context.signal)
    if (exitCode === 0) return
    throw new QuorateError(
      'COMMAND_FAILED',
      `${unit} refuses its new configuration: ${lastLines(`${stdout}\n${stderr}`)}`,
      { where: configPaths[unit], remedy: `What ran before still runs. Compare the version of ${unit} on that node.` },
    )
  } finally {
    await host.remove(staged)
  }
}
