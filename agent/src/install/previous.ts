import { QuorateError } from '@quorate/shared/errors'
import { installPaths } from '@quorate/shared/install-job'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { linkInto, moveFolder } from '../host/place-file.js'
import { installedBinary, keptBinary, places, smallFiles } from './places.js'
import { labelFiles, restartService, type ServiceState, serviceState } from './service.js'

/** What a node had before an installation, beside the files. */
interface Before extends ServiceState {
  /** Folders that existed. */
  readonly folders: readonly string[]
}

const stateFile = `${places.previous}/before.json`
const folder = { mode: 0o700, uid: 0, gid: 0 }

/** Keeps what the node has, unless an installation that was begun before has done so: half of that one is nothing to go back to. */
export async function keepPrevious(host: Host): Promise<void> {
  if (await exists(host, places.open)) return
  await host.remove(places.previousNew, { recursive: true })
  await host.makeFolder(places.previousNew, folder)
  for (const [name, path] of Object.entries(smallFiles)) {
    const file = await host.read(path)
    if (file !== undefined) await host.replace(`${places.previousNew}/${name}`, file.bytes, { ...file, exact: true })
  }
  if (await exists(host, installedBinary))
    await linkInto(host.realPath(installedBinary), host.realPath(`${places.previousNew}/quorate-agent`))
  const folders: string[] = []
  for (const path of [installPaths.config, installPaths.state]) if (await exists(host, path)) folders.push(path)
  const before: Before = { ...(await serviceState(host)), folders }
  await host.replace(`${places.previousNew}/before.json`, Buffer.from(JSON.stringify(before)), { mode: 0o600 })
  await host.replace(`${places.previousNew}/open`, Buffer.from(''), { mode: 0o600 })
  await moveFolder(host.realPath(places.previousNew), host.realPath(places.previous))
}

/** Puts back what was kept; what was not there before goes. It may be done again after it was cut off. */
export async function putPreviousBack(host: Host): Promise<void> {
  const text = (await host.read(stateFile))?.bytes.toString('utf8')
  if (text === undefined)
    throw new QuorateError('BACKUP_MISSING', 'this node keeps no earlier agent to go back to', {
      remedy: '`quorate deploy` installs the agent; `quorate deploy --remove` removes it.',
    })
  const before = JSON.parse(text) as Before
  await host.replace(places.open, Buffer.from(''), { mode: 0o600 })
  await host.run(commands.stopAgent())
  // While its unit is still there: systemctl finds the links to remove by it.
  if (!before.enabled) await host.run(commands.disableAgent())
  await restoreFiles(host)
  await host.run(commands.daemonReload())
  for (const path of [installPaths.config, installPaths.state])
    if (!before.folders.includes(path)) await host.remove(path, { recursive: true })
  if (before.active) await restartService(host)
  await host.remove(places.staged, { recursive: true })
  await host.remove(places.previous, { recursive: true })
}

async function restoreFiles(host: Host): Promise<void> {
  const present: string[] = []
  // The certificate of a renewal that was cut off is of the other key.
  await host.remove(`${installPaths.config}/node.crt.next`)
  for (const [name, path] of Object.entries(smallFiles)) {
    const file = await host.read(`${places.previous}/${name}`)
    if (file === undefined) await host.remove(path)
    else await host.replace(path, file.bytes, { ...file, exact: true })
    if (file !== undefined) present.push(path)
  }
  if (await exists(host, keptBinary)) {
    await linkInto(host.realPath(keptBinary), host.realPath(installedBinary))
    present.push(installedBinary)
  } else await host.remove(installedBinary)
  if (present.length > 0) await labelFiles(host, present)
}

export const exists = async (host: Host, path: string): Promise<boolean> => (await host.look(path)) !== undefined
