import { readFlags } from '@quorate/shared/flags'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Severity } from '../context/finding.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { patchesFolder } from '../facts/patches.js'
import type { ControlPlane, Difference, Pair } from './control-plane.js'

/** Signing keys of service accounts: with two of them a token is good at one API server and refused at the next. */
const signingKeys = ['sa.pub', 'sa.key']
/** What every control plane trusts; a bundle in another order is the same trust. */
const authorities = ['ca.crt', 'front-proxy-ca.crt', 'etcd/ca.crt']

/** A file as it lies on one node; `what` is the same on both. */
interface Seen {
  readonly what: string
  readonly path: string
  readonly sha256: string
  /** -1 where it is not known. */
  readonly bytes: number
}

/**
 * Files that the static pods read, by hash: encryption and audit configuration, CAs, webhooks. What only one of them reads is a flag or a mount
 * that differs. No hash is told: of a file with a short password in it, it would tell the password.
 */
export function fileDifferences(pair: Pair): readonly Difference[] {
  const { here, there } = pair
  const [one, other] = [filesOf(here), filesOf(there)]
  const folders = foldersRead(here).filter((folder) => foldersRead(there).includes(folder))
  const isOfBoth = (what: string): boolean =>
    (one.has(what) && other.has(what)) || folders.some((folder) => what.startsWith(`${folder}/`))
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((what) => {
    const [left, right] = [one.get(what), other.get(what)]
    const same = (left?.sha256 ?? '') === (right?.sha256 ?? '')
    return same || !isOfBoth(what) ? [] : [fileFinding(pair, [left, right])]
  })
}

function filesOf({ facts }: ControlPlane): ReadonlyMap<string, Seen> {
  const read = facts.sharedFiles.filter(({ path, directory }) => !directory && !path.startsWith(`${patchesFolder}/`))
  const shared = [...signingKeys, ...authorities].flatMap((name) => {
    const path = pkiPath(facts, name)
    const sha256 = facts.fileHashes[path]
    return sha256 === undefined ? [] : [{ what: name, path, sha256, bytes: -1 }]
  })
  const seen = [...read.map(({ path, sha256, bytes }) => ({ what: path, path, sha256, bytes })), ...shared]
  return new Map(seen.map((one) => [one.what, one]))
}

const foldersRead = ({ facts }: ControlPlane): readonly string[] =>
  facts.sharedFiles.flatMap(({ path, directory }) => (directory ? [path] : []))

function fileFinding({ here, there }: Pair, [left, right]: readonly [Seen | undefined, Seen | undefined]): Difference {
  const { what, path } = (left ?? right) as Seen
  const has = (seen: Seen | undefined): boolean => seen !== undefined && seen.sha256 !== ''
  const differs =
    has(left) && has(right)
      ? `differs from the file on ${there.node.name}`
      : has(left)
        ? `is absent on ${there.node.name}`
        : `is absent, but exists on ${there.node.name}`
  const size = (seen: Seen | undefined): string =>
    seen === undefined || !has(seen) ? 'absent' : seen.bytes < 0 ? 'there' : `${seen.bytes} bytes`
  const paths = [...new Set([left, right].flatMap((seen) => (seen === undefined ? [] : [seen.path])))]
  return {
    severity: weightOfFile(what, path, [here, there]),
    message: `${path}, which a control plane component reads, ${differs}`,
    evidence: `${path} on ${here.node.name}: ${size(left)}; on ${there.node.name}: ${size(right)}; the sha256 differs`,
    remedy: `Compare them, on both nodes: sha256sum ${paths.join(' ')}. Copy the right one to the other node with its mode and owner, and restart the component that reads it there.`,
  }
}

/** Named by a flag it is configuration; else it lies in a folder that is mounted, and may be anything. */
function weightOfFile(what: string, path: string, nodes: readonly ControlPlane[]): Severity {
  if (signingKeys.includes(what)) return 'error'
  if (authorities.includes(what)) return 'warning'
  return nodes.some(({ facts }) => facts.staticPods.some((pod) => filesOfFlags(pod).includes(path)))
    ? 'error'
    : 'warning'
}

/** Paths on the node of the files that the flags name. */
function filesOfFlags({ command, mounts }: StaticPodFacts): readonly string[] {
  const paths = readFlags(command).flatMap(({ value }) => value.split(',').filter((word) => word.startsWith('/')))
  return paths.map((path) => {
    const [mount] = mounts
      .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.mountPath.length - a.mountPath.length)
    return mount === undefined ? path : mount.hostPath + path.slice(mount.mountPath.length)
  })
}
