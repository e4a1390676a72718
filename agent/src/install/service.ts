import { QuorateError } from '@quorate/shared/errors'
import { commands } from '../host/commands.js'
import type { Command, Host } from '../host/host.js'

/** Of the release that this binary is of; written in when it is packaged. */
const unitText = process.env['QUORATE_AGENT_UNIT']

/** The unit file that this binary has inside. */
export function unitOfRelease(): Buffer {
  if (unitText !== undefined) return Buffer.from(unitText)
  throw new QuorateError('INTERNAL', 'this quorate-agent was not built by `npm run package`: it has no unit file')
}

/** What systemd says of the agent's unit. */
export interface ServiceState {
  readonly active: boolean
  readonly enabled: boolean
}

/** Whether the agent runs, and whether it starts with the node. */
export async function serviceState(host: Host): Promise<ServiceState> {
  const { stdout } = await host.run(commands.agentUnitState())
  return {
    active: /^ActiveState=(active|activating|reloading)$/m.test(stdout),
    enabled: /^UnitFileState=enabled$/m.test(stdout),
  }
}

/** Starts the agent with the files that lie there now, and with the node from now on. */
export async function startService(host: Host): Promise<void> {
  await must(host, commands.daemonReload())
  await must(host, commands.enableAgent())
  await restartService(host)
}

export async function restartService(host: Host): Promise<void> {
  try {
    await must(host, commands.restartAgent())
  } catch (cause) {
    const { stdout } = await host.run(commands.agentSaid())
    if (stdout.trim() === '' || !(cause instanceof QuorateError)) throw cause
    throw new QuorateError('COMMAND_FAILED', `${cause.message}; it said: ${stdout.trim()}`, { cause })
  }
}

/** With SELinux, new files get the contexts that its policy has for their paths: a service may not start a binary that has that of another folder. */
export async function labelFiles(host: Host, paths: readonly string[]): Promise<void> {
  if ((await host.look('/sys/fs/selinux/enforce')) === undefined) return
  const present: string[] = []
  for (const path of paths) if ((await host.look(path)) !== undefined) present.push(host.realPath(path))
  await must(host, commands.restoreContexts(present))
}

/** COMMAND_FAILED with what the program said. */
export async function must(host: Host, command: Command): Promise<void> {
  const { exitCode, stderr, stdout } = await host.run(command)
  if (exitCode === 0) return
  const said = (stderr || stdout).trim().split('\n').slice(-3).join('; ')
  throw new QuorateError('COMMAND_FAILED', `${command.file} ${command.args[0] ?? ''} failed: ${said}`)
}
