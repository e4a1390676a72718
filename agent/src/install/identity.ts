import { installPaths } from '@quorate/shared/install-job'
import { keyMatches } from '@quorate/shared/pki'
import type { Host } from '../host/host.js'
import { exists } from './previous.js'

const { config } = installPaths

/** What an agent is known by, and where it listens. */
export type Identity = Readonly<Record<'agent.yaml' | 'fleet-ca.crt' | 'node.crt' | 'node.key', Buffer>>

/** The certificate last, and beside until then: a power cut in between leaves a pair that the agent can complete (host/own-identity.ts). */
export async function writeIdentity(host: Host, identity: Identity): Promise<void> {
  if (!(await exists(host, config))) await host.makeFolder(config, { mode: 0o750, uid: 0, gid: 0 })
  const write = (name: string, bytes: Buffer, mode = 0o644) =>
    host.replace(`${config}/${name}`, bytes, { mode, exact: true })
  await write('fleet-ca.crt', identity['fleet-ca.crt'])
  await write('agent.yaml', identity['agent.yaml'])
  await write('node.crt.next', identity['node.crt'])
  await write('node.key', identity['node.key'], 0o600)
  await write('node.crt', identity['node.crt'])
  await host.remove(`${config}/node.crt.next`)
}

/** An installation that was killed after its certificate was in place has left it beside that place too. */
export async function endIdentity(host: Host): Promise<void> {
  const [cert, key] = await Promise.all(['node.crt', 'node.key'].map((name) => host.read(`${config}/${name}`)))
  if (cert !== undefined && key !== undefined && keyMatches(cert.bytes.toString(), key.bytes.toString()))
    await host.remove(`${config}/node.crt.next`)
}
