import { stringify } from 'yaml'
import { flannelImage, labFile } from '../machines/cache.js'
import type { LabNode } from '../machines/node.js'
import type { Piece } from './piece.js'

const network = '10.244.0.0/16'
const named = (name: string) => ({ name, namespace: 'kube-flannel' })
const rights = 'flannel-of-the-lab'
const conflist = {
  name: 'cbr0',
  cniVersion: '0.4.0',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
}

/** As in flannel's own manifest: an agent on each node that uses the Service `kubernetes`. */
const daemonSet = (image: string) => {
  const volumes = {
    run: { at: '/run/flannel', hostPath: { path: '/run/flannel', type: 'DirectoryOrCreate' } },
    cni: { at: '/etc/cni/net.d', hostPath: { path: '/etc/cni/net.d' } },
    cfg: { at: '/etc/kube-flannel', configMap: { name: 'kube-flannel-cfg' } },
    lock: { at: '/run/xtables.lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
  }
  const mounts = (...names: (keyof typeof volumes)[]) => names.map((name) => ({ name, mountPath: volumes[name].at }))
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } })
  return {
    selector: { matchLabels: { app: 'flannel' } },
    template: {
      metadata: { labels: { app: 'flannel' } },
      spec: {
        hostNetwork: true,
        priorityClassName: 'system-node-critical',
        tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
        serviceAccountName: 'flannel',
        initContainers: [
          {
            name: 'install-cni',
            image,
            command: ['sh', '-c', 'cat /etc/kube-flannel/cni-conf.json > /etc/cni/net.d/10-flannel.conflist'],
            volumeMounts: mounts('cni', 'cfg'),
          },
        ],
        containers: [
          {
            name: 'kube-flannel',
            image,
            command: ['/usr/local/bin/flanneld'],
            args: ['--ip-masq', '--kube-subnet-mgr'],
            securityContext: { privileged: false, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
            env: [
              { name: 'POD_NAME', ...field('metadata.name') },
              { name: 'POD_NAMESPACE', ...field('metadata.namespace') },
            ],
            volumeMounts: mounts('run', 'cfg', 'lock'),
          },
        ],
        volumes: Object.entries(volumes).map(([name, { at: _, ...source }]) => ({ name, ...source })),
      },
    },
  }
}

const objects = (image: string) => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-flannel' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named('flannel') },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: rights },
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: rights },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: rights },
    subjects: [{ kind: 'ServiceAccount', ...named('flannel') }],
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: named('kube-flannel-cfg'),
    data: {
      'cni-conf.json': JSON.stringify(conflist),
      'net-conf.json': JSON.stringify({ Network: network, Backend: { Type: 'host-gw' } }),
    },
  },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: named('kube-flannel-ds'), spec: daemonSet(image) },
]

async function prepare(node: LabNode, image: { reference: string; file: string }): Promise<void> {
  await node.must(['rm', '-f', '/etc/cni/net.d/10-lab.conflist'])
  const plugin = '/opt/cni/bin/flannel'
  // Debian 11 has the real plugin, later releases have none.
  if ((await node.sh(['test', '-e', plugin])).exitCode !== 0) await node.install(labFile('flannel-cni'), plugin)
  await node.importImage(image.file)
}

/** flannel instead of the lab's static routes: its backend host-gw makes the routes between the nodes. */
export const flannel: Piece = {
  init({ cluster }) {
    cluster.networking['podSubnet'] = network
  },
  async before(lab) {
    const image = await flannelImage()
    await Promise.all([...lab.controlPlanes, ...lab.workers].map((node) => prepare(node, image)))
  },
  async after(lab) {
    const { reference } = await flannelImage()
    const text = objects(reference).map((object) => stringify(object))
    await lab.node('cp1').must(['kubectl', 'apply', '-f', '-'], text.join('---\n'))
  },
}
