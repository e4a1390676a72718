import { posix } from 'node:path'
import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { isBrought, type Lacking, lackingOf, tooMuchTogether } from '../facts/host-paths.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'shared-files'

/** kubeadm copies certificates, but not what the manifests mount besides: audit policy, encryption configuration, a KMS plugin's socket (pke#50, kubernetes#102715). */
export const sharedFiles: Check = {
  id,
  title: "Files that the first control plane's manifests use exist on the joiners, or the run copies or creates them",
  async check(run) {
    const files = (await run.nodeFacts(run.first)).sharedFiles
    const joining = await toJoin(run)
    if (files.length === 0 || joining.length === 0) return []
    const found = (await Promise.all(joining.map((node) => ofJoiner(run, node, files)))).flat()
    // What the first control plane lacks itself is reported once.
    const once = new Map(found.map((one) => [`${one.node} ${one.evidence} ${one.message}`, one]))
    return [...once.values(), ...together(run.first.name, files)]
  },
}

async function ofJoiner(run: ConversionRun, node: NodeEntry, files: readonly SharedFile[]): Promise<Finding[]> {
  const paths = new Set(files.flatMap(({ path }) => [path, posix.dirname(path)]))
  const there = await run.agent(node).read('lookAtPaths', { paths: [...paths] })
  const first = run.first.name
  const lacking = files.flatMap((file) => {
    const why = lackingOf(file, first, there)
    return why === undefined ? [] : [notBrought(why.onFirst ? first : node.name, file, why)]
  })
  const brought = files.filter((file) => isBrought(file)).map(({ path }) => path)
  return brought.length === 0 ? lacking : [...lacking, toBeCopied(node.name, first, brought)]
}

const notBrought = (node: string, { path, component, type }: SharedFile, { why, remedy }: Lacking): Finding => ({
  id,
  severity: 'error',
  node,
  message: `${component} needs ${path}: ${why}`,
  evidence: `${component === 'kubeadm' ? 'kubeadm' : `${component}.yaml`}: ${path}${type === '' ? '' : ` (hostPath type ${type})`}`,
  remedy,
})

function together(first: string, files: readonly SharedFile[]): Finding[] {
  const bytes = tooMuchTogether(files)
  if (bytes === undefined) return []
  const largest = files.filter(isBrought).sort((a, b) => b.bytes - a.bytes)
  return [
    {
      id,
      severity: 'error',
      node: first,
      message: `the files that the joiners need are ${(bytes / 2 ** 20).toFixed(1)} MiB in total, more than the 2 MiB that the run copies`,
      evidence: largest
        .slice(0, 5)
        .map((file) => `${file.path}: ${file.bytes} bytes`)
        .join('; '),
      remedy: `On ${first}, move the files that static pods do not need out of the folders that they mount; then plan again.`,
    },
  ]
}

function toBeCopied(node: string, first: string, paths: readonly string[]): Finding {
  return {
    id,
    severity: 'info',
    node,
    message: `${paths.length} file(s) will be copied from ${first}: its static pods name them, and kubeadm does not copy them`,
    evidence: paths.join(', '),
    remedy: 'Nothing to do. If one of these paths exists there with different content, move it away first.',
  }
}
