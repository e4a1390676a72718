import { kubeadmFolders } from '@quorate/shared/cluster-folders'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'joiners-clean'

/** kubeadm would use a stale admin.conf instead of discovery (kubernetes#113294), and notices a Ready Node of the name only after it has written files. */
export const joinersClean: Check = {
  id,
  title: 'Joining control planes belong to no cluster and have no leftovers',
  async check(run) {
    const joining = await toJoin(run)
    const findings = await Promise.all(joining.map((node) => ofJoiner(run, node)))
    return findings.flat()
  },
}

async function ofJoiner(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const [facts, first, nodeObject] = [
    await run.nodeFacts(node),
    await run.nodeFacts(run.first),
    await nodeObjectOf(run, node),
  ]
  const where = { id, severity: 'error', node: node.name } as const
  // What an earlier run copied from the first control plane is not a leftover of a cluster.
  const copied = new Set(first.sharedFiles.map((file) => file.path))
  const getsMember = (await run.etcdTopology()).homes().includes(node)
  // A member of an external etcd may live on this machine: its data does not get in the way.
  const isOthers = (path: string) => !getsMember && path.startsWith(`${foldersOf(facts).etcdDataDir}/`)
  const leftovers = facts.leftovers.filter((path) => !copied.has(path) && !isOthers(path))
  const findings: Finding[] = []
  if (facts.nodeName !== '') {
    findings.push({
      ...where,
      message: `it already belongs to a cluster, as ${facts.nodeName}`,
      evidence: `kubelet's client certificate: system:node:${facts.nodeName}`,
      remedy: `If that cluster no longer needs it: kubectl drain ${facts.nodeName} there, kubectl delete node ${facts.nodeName}, then on this node: kubeadm reset`,
    })
  }
  if (facts.staticPods.length > 0) {
    findings.push({
      ...where,
      message: 'static pods of a control plane are in its manifests folder',
      evidence: facts.staticPods.map((pod) => pod.component).join(', '),
      remedy: 'If nothing needs them, on that node: kubeadm reset',
    })
  }
  if (leftovers.length > 0) {
    findings.push({
      ...where,
      message: 'files of an earlier cluster or an unfinished join remain',
      evidence: leftovers.join(', '),
      remedy: `If nothing needs them, on that node: ${resetOf(facts, leftovers)}`,
    })
  }
  return nodeObject === undefined ? findings : [...findings, nodeObject]
}

/** kubeadm reset empties its own folders, and others only if an existing cluster configures them (cmd/reset.go). */
function resetOf(facts: NodeFacts, leftovers: readonly string[]): string {
  const { certificatesDir, etcdDataDir } = foldersOf(facts)
  const others = [certificatesDir, etcdDataDir].filter((folder) => !Object.values(kubeadmFolders).includes(folder))
  const full = others.filter((folder) => leftovers.some((path) => path.startsWith(`${folder}/`)))
  return ['kubeadm reset', ['rm -rf /etc/cni/net.d', ...full.map((folder) => `${folder}/*`)].join(' ')].join(' && ')
}

async function nodeObjectOf(run: ConversionRun, node: NodeEntry): Promise<Finding | undefined> {
  const object = (await run.clusterFacts()).nodes.find(({ name }) => name.toLowerCase() === node.name)
  if (object === undefined) return undefined
  return {
    id,
    severity: 'error',
    node: node.name,
    message: `the cluster already has a ${object.ready ? 'Ready' : 'not Ready'} Node with that name, which is not a complete control plane`,
    evidence: `Node ${object.name}, ready ${object.ready}, control plane ${object.controlPlane}, addresses ${object.internalIps.join(', ')}`,
    remedy: object.ready
      ? `A worker cannot become a control plane in place: kubectl drain ${object.name} --ignore-daemonsets, kubectl delete node ${object.name}, then on it: kubeadm reset. If it is another machine, choose another name.`
      : `kubectl delete node ${object.name}, after you verify that the machine is the one in the cluster file or is gone`,
  }
}
