import type { Piece } from '../piece.js'

/** etcd that listens on loopback alone, as kubeadm made it once and as hardened clusters have it: nobody could join it. */
export const etcdLocalhost: Piece = {
  async after(lab) {
    const cp1 = lab.node('cp1')
    const manifest = '/etc/kubernetes/manifests/etcd.yaml'
    const edit = [
      's#--listen-client-urls=.*#--listen-client-urls=https://127.0.0.1:2379#',
      's#--listen-peer-urls=.*#--listen-peer-urls=https://127.0.0.1:2380#',
    ].flatMap((expression) => ['-e', expression])
    const before = await cp1.must(['pidof', 'etcd'])
    await cp1.must(['sed', '-i', ...edit, manifest])
    await lab.untilReady(async () => (await cp1.sh(['pidof', 'etcd'])).stdout !== before)
  },
}
