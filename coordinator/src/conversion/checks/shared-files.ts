import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import { toJoin } from '../membership.js'
import type { ConversionRun } from '../run.js'
import type { Check, Finding } from './check.js'

const id = 'shared-files'

/** kubeadm copies certificates, but not what the manifests mount besides: audit policy, encryption configuration, webhooks (pke#50, kubernetes#102715). */
export const sharedFiles: Check = {
  id,
  title: "Files that the first control plane's manifests name are there for the joiners",
  async check(run) {
    const files = (await run.nodeFacts(run.first)).sharedFiles
    const joining = await toJoin(run)
    const missing = files
      .filter((file) => !file.directory && file.sha256 === '')
      .map((file) => missingOnFirst(run.first.name, file))
    const there = files.filter((file) => file.directory || file.sha256 !== '')
    const findings = await Promise.all(joining.map((node) => ofJoiner(run, node, there)))
    return [...missing, ...findings.flat()]
  },
}

function missingOnFirst(node: string, file: SharedFile): Finding {
  return {
    id,
    severity: 'error',
    node,
    message: `the manifest of ${file.component} names a file that is not there`,
    evidence: file.path,
    remedy: `Restore ${file.path}, or remove it from /etc/kubernetes/manifests/${file.component}.yaml and from kubeadm-config: the joiners' manifests will name it too.`,
  }
}

async function ofJoiner(run: ConversionRun, node: NodeEntry, files: readonly SharedFile[]): Promise<Finding[]> {
  const { fileHashes, sharedFiles: own } = await run.nodeFacts(node)
  const known = new Map(own.map((file) => [file.path, file]))
  return files.flatMap((file) => {
    const there = known.get(file.path)
    const sha256 = there?.sha256 || fileHashes[file.path]
    if (there?.directory === true && !file.directory) return [directoryInPlace(node.name, file)]
    if (sha256 === undefined || sha256 === '') return [toBeCopied(node.name, run.first.name, file)]
    return sha256 === file.sha256 ? [] : [different(node.name, run.first.name, { file, sha256 })]
  })
}

/** A hostPath of type DirectoryOrCreate makes a directory where a file was missing, and it stays. */
function directoryInPlace(node: string, file: SharedFile): Finding {
  return {
    id,
    severity: 'error',
    node,
    message: `a directory is in the place of a file that ${file.component} needs`,
    evidence: `${file.path} is a directory`,
    remedy: `On that node, if it is empty: rmdir ${file.path}`,
  }
}

function toBeCopied(node: string, first: string, file: SharedFile): Finding {
  return {
    id,
    severity: 'info',
    node,
    message: `${file.path} will be copied from ${first}: ${file.component} names it`,
    evidence: file.directory ? `${file.path} (directory)` : `${file.path} sha256 ${file.sha256}`,
    remedy: 'Nothing to do.',
  }
}

function different(node: string, first: string, { file, sha256 }: { file: SharedFile; sha256: string }): Finding {
  return {
    id,
    severity: 'error',
    node,
    message: `${file.path} is not the same as on ${first}, and is not Quorate's to overwrite`,
    evidence: `sha256 ${sha256} here, ${file.sha256} on ${first}`,
    remedy: `Make them equal, or move the one on ${node} away: mv ${file.path} ${file.path}.old`,
  }
}
