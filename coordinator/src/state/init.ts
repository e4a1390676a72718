import { randomBytes } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { createFleetCa, createIssuer } from '@quorate/shared/issue-certificate'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { coordinatorName, issueCoordinator } from './identities.js'
import { recordIssued } from './issued-keys.js'
import { type StatePaths, statePaths } from './paths.js'
import { sealedText } from './root-key.js'
import { writeDurably } from './write-file.js'

/**
 * Makes a state folder: root and issuer of the fleet, the coordinator's identity, the operator's key for backups. STATE_EXISTS where there is one
 * already. With a passphrase the root key is never on the disk in clear.
 */
export async function initState(
  folder: string,
  { passphrase }: { readonly passphrase?: string | undefined } = {},
): Promise<StatePaths & { readonly fleetId: string }> {
  const paths = statePaths(folder)
  await requireNoFleet(folder)
  await makeFolders(paths)
  const rootKey = async (keyPem: string) =>
    passphrase === undefined
      ? ([paths.caKey, keyPem] as const)
      : ([paths.sealedCaKey, await sealedText(keyPem, passphrase)] as const)
  const fleetId = randomBytes(6).toString('hex')
  const root = createFleetCa(fleetId)
  const [rootPath, rootText] = await rootKey(root.keyPem)
  const issuer = createIssuer(root)
  const coordinator = issueCoordinator(issuer)
  const identity = await generateX25519Identity()
  await writeDurably(paths.backupIdentity, `${identity}\n`, 0o600)
  await writeDurably(paths.backupRecipient, `${await identityToRecipient(identity)}\n`, 0o644)
  await recordIssued(paths, coordinatorName, coordinator.certPem)
  await writeDurably(paths.coordinatorKey, coordinator.keyPem, 0o600)
  await writeDurably(paths.coordinatorCert, coordinator.certPem, 0o644)
  await writeDurably(paths.nodes, `${JSON.stringify({ fleetId, nodes: [] }, null, 2)}\n`, 0o600)
  await writeDurably(rootPath, rootText, 0o600)
  await writeDurably(paths.issuer, `${issuer.certPem}${issuer.keyPem}`, 0o600)
  // Last, because it is what says that the folder is complete: an init that was cut off can simply be run again.
  await writeDurably(paths.caCert, root.certPem, 0o644)
  return { ...paths, fleetId }
}

/** Whether `init` has completed there. */
export const hasFleetIn = (folder: string): Promise<boolean> => exists(statePaths(folder).caCert)

/** STATE_EXISTS where `init` has completed. */
export async function requireNoFleet(folder: string): Promise<void> {
  if (await hasFleetIn(folder)) throw new QuorateError('STATE_EXISTS', 'there is a fleet CA already', { where: folder })
}

async function makeFolders(paths: StatePaths): Promise<void> {
  for (const folder of [
    paths.folder,
    dirname(paths.caCert),
    dirname(paths.backupIdentity),
    paths.runs,
    paths.backups,
    paths.leases,
  ]) {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
      throw new QuorateError('USAGE', `the state folder cannot be made: ${cause.code ?? cause.message}`, {
        where: folder,
        cause,
        remedy: 'Name a folder that you may write with --state.',
      })
    })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
