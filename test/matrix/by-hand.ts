import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ignorePreflightErrors, type Lab } from '../../lab/real/lab.js'
import { ensureVersion, images } from '../../lab/real/machines/cache.js'
import type { LabNode } from '../../lab/real/machines/node.js'

/** What administrators do to a cluster by kubeadm's documentation, without a word to Quorate. */

const staticPods = 'kube-apiserver kube-controller-manager kube-scheduler etcd'

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 300_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`in five minutes not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

const answers = async (lab: Lab, node: LabNode): Promise<boolean> =>
  (await node.sh(['curl', '-sk', '--max-time', '3', `https://${node.address}:${lab.apiPort}/readyz`])).stdout === 'ok'

/** `kubeadm certs renew all`, and the manifests moved away and back: its documentation's way to restart what read the old ones. */
export async function renewCertificates(lab: Lab, node: LabNode): Promise<void> {
  await node.must(['kubeadm', 'certs', 'renew', 'all'])
  await node.must(['sh', '-c', 'mkdir /root/manifests && mv /etc/kubernetes/manifests/*.yaml /root/manifests/'])
  await until('its static pods ended', async () => (await node.sh(['sh', '-c', `pidof ${staticPods}`])).exitCode === 1)
  await node.must(['sh', '-c', 'mv /root/manifests/*.yaml /etc/kubernetes/manifests/ && rmdir /root/manifests'])
  await until('its API server is ready', () => answers(lab, node))
}

/** The endpoint's name, which here no DNS knows. */
async function name(lab: Lab, node: LabNode): Promise<void> {
  await node.must(['sh', '-c', `echo '${lab.virtualIP} apiserver.example.com' >> /etc/hosts`])
}

/** `kubeadm join` as kubeadm itself prints it on the first control plane. */
export async function joinWorker(lab: Lab, node: LabNode): Promise<void> {
  await name(lab, node)
  await node.must([...(await printed(lab)), '--node-name', node.spec.name, ignorePreflightErrors])
  await ready(lab, node)
}

async function printed(lab: Lab): Promise<string[]> {
  return (await lab.node('cp1').must(['kubeadm', 'token', 'create', '--print-join-command'])).trim().split(/\s+/)
}

/** The same with `--control-plane` and the key of `kubeadm init phase upload-certs`. */
export async function joinControlPlane(lab: Lab, node: LabNode): Promise<void> {
  await name(lab, node)
  const uploaded = await lab.node('cp1').must(['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs'])
  const key = uploaded.trim().split('\n').at(-1) ?? ''
  const place = ['--control-plane', '--certificate-key', key, '--apiserver-advertise-address', node.address]
  await node.must([...(await printed(lab)), ...place, '--node-name', node.spec.name, ignorePreflightErrors])
  await ready(lab, node)
}

async function ready(lab: Lab, node: LabNode): Promise<void> {
  const cp1 = lab.node('cp1')
  await cp1.must(['kubectl', 'wait', '--for=condition=Ready', `node/${node.spec.name}`, '--timeout=180s'])
  await cp1.must(['kubectl', '-n', 'kube-system', 'rollout', 'status', 'daemonset/kube-proxy', '--timeout=180s'])
}

/** Images of another release, as an administrator without a registry imports them. */
async function importImages(node: LabNode, version: string): Promise<void> {
  for (const file of readdirSync(images(version)).filter((each) => each.endsWith('.tar'))) {
    await node.install(join(images(version), file), `/root/${file}`)
    await node.must(['ctr', '-n', 'k8s.io', 'images', 'import', `/root/${file}`])
    await node.must(['rm', `/root/${file}`])
  }
}

/** `kubeadm upgrade apply` on the first, `kubeadm upgrade node` on every other; then the new kubelet, node by node. */
export async function upgrade(lab: Lab, version: string): Promise<string> {
  await ensureVersion(version, lab.debian)
  const [cp1, ...others] = [...lab.controlPlanes, ...lab.workers] as [LabNode, ...LabNode[]]
  for (const node of [cp1, ...others]) {
    await importImages(node, version)
    await node.install(lab.programOf(version, 'kubeadm'), '/usr/bin/kubeadm')
  }
  // Its job runs `pause -v`, which the pause of a lab does not know.
  const ignored = `${ignorePreflightErrors},CreateJob`
  const plan = await cp1.must(['kubeadm', 'upgrade', 'plan', version, ignored])
  await cp1.must(['kubeadm', 'upgrade', 'apply', version, '--yes', ignored])
  await newKubelet(lab, cp1, version)
  for (const node of others) {
    await node.must(['kubeadm', 'upgrade', 'node', ignored])
    await newKubelet(lab, node, version)
  }
  // Who joins from here on is a machine of the new release.
  for (const spare of lab.nodes.filter((node) => ![cp1, ...others].includes(node))) {
    await importImages(spare, version)
    for (const program of ['kubeadm', 'kubelet'] as const)
      await spare.install(lab.programOf(version, program), `/usr/bin/${program}`)
  }
  return plan
}

async function newKubelet(lab: Lab, node: LabNode, version: string): Promise<void> {
  await node.install(lab.programOf(version, 'kubelet'), '/usr/bin/kubelet')
  await node.must(['systemctl', 'restart', 'kubelet'])
  const of = ['kubectl', 'get', 'node', node.spec.name, '-o', 'jsonpath={.status.nodeInfo.kubeletVersion}']
  await until(`${node.spec.short} runs ${version}`, async () => (await lab.node('cp1').sh(of)).stdout === version)
  await ready(lab, node)
}
