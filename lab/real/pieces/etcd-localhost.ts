import type { Piece, PieceLab } from './piece.js'

/** etcd that listens only on loopback, as kubeadm once configured it and as in hardened clusters: no member could join it. */
export const etcdLocalhost: Piece = {
  after: (lab) => listenOn(lab, (port) => `https://127.0.0.1:${port}`),
}

async function listenOn(lab: PieceLab, urls: (port: number) => string): Promise<void> {
  const cp1 = lab.node('cp1')
  const edit = [
    `s#--listen-client-urls=.*#--listen-client-urls=${urls(2379)}#`,
    `s#--listen-peer-urls=.*#--listen-peer-urls=${urls(2380)}#`,
  ].flatMap((expression) => ['-e', expression])
  const before = await cp1.must(['pidof', 'etcd'])
  await cp1.must(['sed', '-i', ...edit, '/etc/kubernetes/manifests/etcd.yaml'])
  const another = async () => !['', before].includes((await cp1.sh(['pidof', 'etcd'])).stdout)
  await lab.untilReady(another)
  // It exits after it had no API for longer than its Lease, and its kubelet delays the restart.
  const lease = ['-n', 'kube-system', 'get', 'lease', 'kube-controller-manager', '-o', 'jsonpath={.spec.renewTime}']
  const renewed = async () => (await cp1.sh(['kubectl', ...lease])).stdout
  const last = await renewed()
  await lab.untilReady(async () => (await renewed()) !== last)
}
