import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../../lab/simulated/cluster.js'
import { serverIn } from '../../conversion-assertions.js'
import { converts } from '../assertions.js'
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
}

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
}

function withExtraNames(t: Test, cluster: SimulatedCluster): void {
  for (const place of ['cp1', 'cp2', 'cp3']) {
    const shown = certificate(cluster.node(place).root)
    t.match(shown.subjectAltName, 'DNS:old-name.example.com', place)
    t.equal(shown.checkIP('192.0.2.77'), '192.0.2.77', place)
  }
}
