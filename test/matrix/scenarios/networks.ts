import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Lab } from '../../../lab/real/lab.js'
import type { LabNode } from '../../../lab/real/machines/node.js'
import { addedByHand } from '../../../lab/real/pieces/extra-sans.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { serverIn } from '../../support/conversion-assertions.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

interface NodeObject {
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] }
}

const certificate = (root: string): X509Certificate =>
  new X509Certificate(readFileSync(`${root}/etc/kubernetes/pki/apiserver.crt`))

export const otherApiPort: Scenario = {
  id: 'other-api-port',
  title: 'another port of the API server, and the cluster on a second network',
  group: 'network',
  outcome: 'converted',
  note: 'The advertise address is not on the default route, the agents are dialled on the first network (`agent:` in the cluster file); joiners get the port, the address and --node-ip.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, init: { bindPort: 7443 }, secondNetwork: true },
        looks: (cluster) => onSecondNetwork(t, cluster),
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, {
        with: ['api-port', 'second-network'],
        looks: (lab) => onSecondNetworkReal(t, lab),
        undone: true,
      }),
  },
}

async function onSecondNetworkReal(t: Test, lab: Lab): Promise<void> {
  for (const { spec, address, must } of lab.controlPlanes.map(withMust)) {
    t.match(await must(['grep', 'server:', '/etc/kubernetes/scheduler.conf']), `https://${address}:7443`)
    t.match(await must(['ip', 'route', 'show', 'default']), 'dev host0')
    t.match(await must(['cat', '/etc/kubernetes/manifests/etcd.yaml']), `https://${address}:2380`)
    const sans = await must(subjectAltName)
    t.match(sans, `IP Address:${address}`)
    t.notMatch(sans, lab.network.outsidePrefix, 'and not the address of the default route')
    const ip = [
      'kubectl',
      'get',
      'node',
      spec.name,
      '-o',
      'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}',
    ]
    t.equal(await must(ip), address, `${spec.short}: InternalIP`)
  }
}

const subjectAltName = 'openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName'.split(' ')
const withMust = (node: LabNode) => ({
  spec: node.spec,
  address: node.address,
  must: (argv: readonly string[]) => node.must(argv),
})

async function onSecondNetwork(t: Test, cluster: SimulatedCluster): Promise<void> {
  for (const place of ['cp1', 'cp2', 'cp3']) {
    const { name, root, address, agentAddress } = cluster.node(place)
    t.not(address, agentAddress)
    t.equal(serverIn(cluster, place, '/etc/kubernetes/scheduler.conf'), `https://${address}:7443`)
    t.match(readFileSync(`${root}/etc/kubernetes/manifests/etcd.yaml`, 'utf8'), `https://${address}:2380`)
    t.equal(certificate(root).checkIP(address), address, 'the certificate has the address of the cluster')
    t.notOk(certificate(root).checkIP(agentAddress), 'and not that of the default route')
    const { body } = await cluster.control.ask<{ body: NodeObject }>('kube', {
      method: 'GET',
      path: `/api/v1/nodes/${name}`,
    })
    t.match(body.status.addresses, [{ type: 'InternalIP', address }])
  }
}

export const otherNodeNames: Scenario = {
  id: 'other-node-names',
  title: 'nodes that are called otherwise than their machines',
  group: 'nodes',
  outcome: 'converted',
  note: 'The names of the cluster file are given to kubeadm as `nodeRegistration.name`, on the joiners too.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, { site: { kubernetesVersion, otherHostnames: true }, looks: (cluster) => named(t, cluster) }),
  },
  real: {
    versions: ['v1.37.2'],
    try: (t, version) =>
      convertsReal(t, version, { with: ['host-names'], looks: (lab) => namedReal(t, lab), undone: true }),
  },
}

async function namedReal(t: Test, lab: Lab): Promise<void> {
  for (const node of lab.controlPlanes) {
    const { name } = node.spec
    t.match(await node.must(['hostname']), 'machine-of-')
    t.match(await node.must(['cat', '/var/lib/kubelet/kubeadm-flags.env']), `--hostname-override=${name}`)
    t.match(await node.must(subjectAltName), `DNS:${name}`)
    t.match(await node.must(['cat', '/etc/kubernetes/manifests/etcd.yaml']), `--name=${name}`)
  }
}

function named(t: Test, cluster: SimulatedCluster): void {
  for (const place of ['cp1', 'cp2', 'cp3']) {
    const { name, root } = cluster.node(place)
    t.not(readFileSync(`${root}/etc/hostname`, 'utf8').trim(), name)
    const pem = readFileSync(`${root}/var/lib/kubelet/kubeadm-flags.env`, 'utf8')
    t.match(pem, `--hostname-override=${name}`)
    t.match(certificate(root).subjectAltName, `DNS:${name}`)
    t.match(readFileSync(`${root}/etc/kubernetes/manifests/etcd.yaml`, 'utf8'), `--name=${name}`)
  }
}

const extra = ['old-name.example.com', '192.0.2.77']

export const handMadeNames: Scenario = {
  id: 'hand-added-sans',
  title: "names and addresses that somebody added to the API server's certificate",
  group: 'control plane',
  outcome: 'converted',
  note: 'Those of the certificate are kept and go into certSANs too, so that the joiners have them, whether kubeadm-config knew them or not.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, init: { certSANs: extra, certSansForgotten: true } },
        looks: (cluster) => withExtraNames(t, cluster),
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, { with: ['extra-sans'], looks: (lab) => withExtraNamesReal(t, lab), undone: true }),
  },
}

async function withExtraNamesReal(t: Test, lab: Lab): Promise<void> {
  for (const node of lab.controlPlanes) {
    const sans = await node.must(subjectAltName)
    t.match(sans, `DNS:${addedByHand.name}`, node.spec.short)
    t.match(sans, `IP Address:${addedByHand.address}`, node.spec.short)
  }
}

function withExtraNames(t: Test, cluster: SimulatedCluster): void {
  for (const place of ['cp1', 'cp2', 'cp3']) {
    const shown = certificate(cluster.node(place).root)
    t.match(shown.subjectAltName, 'DNS:old-name.example.com', place)
    t.equal(shown.checkIP('192.0.2.77'), '192.0.2.77', place)
  }
}
