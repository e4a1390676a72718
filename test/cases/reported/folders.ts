import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { commandWords, kubeletPlaces, splitUnitFiles } from '@quorate/shared/kubelet-command'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts } from '../../matrix/assertions.js'
import type { PublicCase } from './case.js'
import { inClusterConfiguration, inConfigMap, inFile, together } from './put.js'

const certificatesDir = (folder: string) =>
  inClusterConfiguration((text) => text.replace(/^certificatesDir: .*$/m, `certificatesDir: ${folder}`))
const dataDir = (folder: string) =>
  inClusterConfiguration((text) => text.replace(/dataDir: .*$/m, `dataDir: ${folder}`))

/** A folder that anybody may write to, on one node. */
const openFolder =
  (node: string, path: string) =>
  async (cluster: SimulatedCluster): Promise<() => Promise<unknown>> => {
    const real = cluster.node(node).root + path
    mkdirSync(real)
    chmodSync(real, 0o777)
    return async () => rmSync(real, { recursive: true })
  }

const dropIn = '/etc/systemd/system/kubelet.service.d/20-site.conf'
const other = '/var/lib/kubelet/kubeconfig'
const usual = '/etc/kubernetes/kubelet.conf'
const setsOther = `[Service]\nEnvironment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=${other}"\n`

/** As metalk8s left its nodes: the kubelet reads its own file, and kubeadm's is from long ago. */
async function movedKubeconfigs(cluster: SimulatedCluster): Promise<void> {
  for (const short of ['cp1', 'w1']) {
    const { name: node, root } = cluster.node(short)
    const text = readFileSync(root + usual, 'utf8')
    const write = (path: string, its: string) => cluster.control.ask('writeFile', { node, path, text: its })
    await write(dropIn, setsOther)
    await write(other, text)
    await write(usual, text.replace(/server: .*/, 'server: https://192.0.2.9:6443'))
    await cluster.control.ask('systemctl', { node, args: ['restart', 'kubelet'] })
  }
}

function onlyTheUsed(t: Test, cluster: SimulatedCluster): void {
  const server = (node: string, path: string): string =>
    /server: (.*)/.exec(readFileSync(cluster.node(node).root + path, 'utf8'))?.[1] ?? ''
  t.equal(server('w1', other), 'https://apiserver.example.com:8443', 'what the kubelet reads goes to the endpoint')
  for (const node of ['cp1', 'w1'])
    t.equal(server(node, usual), 'https://192.0.2.9:6443', `${node}: the stale one is left`)
  for (const node of ['cp2', 'cp3']) t.not(server(node, usual), '', `${node} has the file that kubeadm writes`)
}

const a10 = ['kubernetes-sigs/cluster-api-bootstrap-provider-kubeadm#255', 'kubespray, kube_cert_dir'] as const
const a8 = ['scality/metalk8s#675'] as const

/** Folders and files that are the cluster's, where kubeadm's own are others. */
export const folders: readonly PublicCase[] = [
  {
    id: 'folders-elsewhere',
    kind: 'A10',
    source: [...a10, 'kubernetes/kubeadm#3044'],
    input: '`certificatesDir: /etc/kubernetes/ssl` and etcd `dataDir: /srv/etcd`.',
    outcome: 'supported',
    answer: 'Both folders are read from the manifests; joiners get the same, and an undo empties them there.',
    trial: {
      conversion: (t) =>
        converts(t, {
          site: { init: { certificatesDir: '/etc/kubernetes/ssl', etcdDataDir: '/srv/etcd' } },
          looks(cluster) {
            for (const node of ['cp1', 'cp2', 'cp3'])
              t.ok(readFileSync(`${cluster.node(node).root}/etc/kubernetes/ssl/etcd/ca.crt`), node)
          },
          undone: true,
        }),
    },
  },
  {
    id: 'certificates-dir-not-in-use',
    kind: 'A10',
    source: a10,
    input: '`certificatesDir: /etc/ssl/k8s` in kubeadm-config, and manifests that name /etc/kubernetes/pki.',
    outcome: 'blocked',
    answer: 'kubeadm would look in the wrong folder: an error with both, and what to set.',
    trial: {
      plan: {
        put: certificatesDir('/etc/ssl/k8s'),
        seenBy: ['control-planes-alike'],
        finds: [
          {
            ...{ check: 'cluster-folders', severity: 'error', on: 'cp1' },
            evidence: /certificatesDir: \/etc\/ssl\/k8s; .*\/etc\/kubernetes\/pki/,
            remedy: /edit configmap kubeadm-config, and set certificatesDir: \/etc\/kubernetes\/pki/,
          },
        ],
      },
    },
  },
  {
    id: 'etcd-data-of-an-old-member-elsewhere',
    kind: 'A7',
    source: ['kubernetes/kubeadm#3044'],
    input: "`dataDir: /data/etcd` in kubeadm-config, and an old member's data there on a joiner.",
    outcome: 'blocked',
    answer: 'Leftovers are looked for in the folder that the join will use.',
    trial: {
      plan: {
        put: together(
          dataDir('/data/etcd'),
          inFile('cp2', '/data/etcd/member/snap/db', () => 'old'),
        ),
        seenBy: ['control-planes-alike'],
        finds: [
          { check: 'cluster-folders', severity: 'error', on: 'cp1', evidence: /etcd\.local\.dataDir: \/data\/etcd/ },
          {
            ...{ check: 'joiners-clean', severity: 'error', on: 'cp2', evidence: /\/data\/etcd\/member/ },
            remedy: /kubeadm reset && rm -rf \/etc\/cni\/net\.d \/data\/etcd\/\*/,
          },
        ],
      },
    },
  },
  {
    id: 'certificates-of-an-old-join-elsewhere',
    kind: 'A7',
    source: ['kubernetes/kubeadm#3044'],
    input: '`certificatesDir: /opt/k8s/pki`, and a CA of another cluster there on a joiner.',
    outcome: 'blocked',
    answer: 'The same for certificates: kubeadm would take what lies there.',
    trial: {
      plan: {
        put: together(
          certificatesDir('/opt/k8s/pki'),
          inFile('cp3', '/opt/k8s/pki/ca.crt', () => 'of another cluster'),
        ),
        seenBy: ['control-planes-alike'],
        finds: [
          { check: 'cluster-folders', severity: 'error', on: 'cp1' },
          { check: 'joiners-clean', severity: 'error', on: 'cp3', evidence: /\/opt\/k8s\/pki\/ca\.crt/ },
        ],
      },
    },
  },
  {
    id: 'etcd-data-of-another-cluster-in-the-usual-folder',
    kind: 'A7',
    source: ['kubernetes/kubeadm#3044'],
    input: "an old member's data in /var/lib/etcd on a joiner.",
    outcome: 'blocked',
    answer: 'A leftover, as ever.',
    trial: {
      plan: {
        put: inFile('cp2', '/var/lib/etcd/member/wal/0.wal', () => 'old'),
        seenBy: ['control-planes-alike'],
        finds: [{ check: 'joiners-clean', severity: 'error', on: 'cp2', evidence: /\/var\/lib\/etcd\/member/ }],
      },
    },
  },
  {
    id: 'folder-that-others-may-write',
    kind: 'A7',
    source: ['kubernetes/kubeadm#3044'],
    input: '`dataDir: /data/etcd`, and /data that anybody may write to on a joiner.',
    outcome: 'blocked',
    answer: 'Root writes nothing where others could lead it elsewhere.',
    trial: {
      plan: {
        put: together(dataDir('/data/etcd'), openFolder('cp2', '/data')),
        seenBy: ['control-planes-alike'],
        finds: [
          { check: 'cluster-folders', severity: 'error', on: 'cp1' },
          {
            check: 'cluster-folders',
            severity: 'error',
            on: 'cp2',
            evidence: /other users than root may write/,
            remedy: /chmod/,
          },
        ],
      },
    },
  },
  {
    id: 'folder-of-the-system',
    kind: 'A7',
    source: ['kubernetes/kubeadm#3044'],
    input: '`dataDir: /etc` in kubeadm-config.',
    outcome: 'blocked',
    answer: 'A folder of the system is none of a cluster, whatever kubeadm-config says.',
    trial: {
      plan: {
        put: dataDir('/etc'),
        seenBy: ['control-planes-alike'],
        finds: [{ check: 'cluster-folders', severity: 'error', on: 'cp1', evidence: /etcd\.local\.dataDir: \/etc;/ }],
      },
    },
  },
  {
    id: 'static-pod-path-of-joiners',
    kind: 'A7',
    source: ['kubernetes/kubeadm, app/constants'],
    input: '`staticPodPath: /etc/kubelet.d` in kubelet-config.',
    outcome: 'blocked',
    answer: 'kubeadm writes static pods to its own folder alone: an error that says what to set.',
    trial: {
      plan: {
        put: inConfigMap('kube-system', 'kubelet-config', ({ kubelet = '' }) => ({
          kubelet: kubelet.replace(/^staticPodPath: .*$/m, 'staticPodPath: /etc/kubelet.d'),
        })),
        seenBy: ['control-planes-alike'],
        finds: [
          {
            check: 'cluster-folders',
            severity: 'error',
            evidence: /staticPodPath: \/etc\/kubelet\.d/,
            remedy: /edit configmap/,
          },
        ],
      },
    },
  },
  {
    id: 'kubelet-kubeconfig-elsewhere',
    kind: 'A8',
    source: a8,
    input: `a drop-in with \`--kubeconfig=${other}\` on the first control plane and a worker, and a stale kubelet.conf beside.`,
    outcome: 'supported',
    answer: 'What the process reads is rewritten; the stale file stays as it is.',
    trial: {
      conversion: (t) =>
        converts(t, { prepare: movedKubeconfigs, looks: (cluster) => onlyTheUsed(t, cluster), undone: true }),
    },
  },
  {
    id: 'kubelet-kubeconfig-of-a-joiner',
    kind: 'A8',
    source: a8,
    input: `a drop-in with \`--kubeconfig=${other}\` on a joiner.`,
    outcome: 'blocked',
    answer: 'kubeadm join waits for kubelet.conf: an error that names the drop-in.',
    trial: {
      plan: {
        put: inFile('cp2', dropIn, () => setsOther),
        seenBy: ['control-planes-alike'],
        finds: [
          {
            ...{ check: 'kubelet-kubeconfig', severity: 'error', on: 'cp2' },
            evidence: /20-site\.conf: --kubeconfig=/,
            remedy:
              /remove --kubeconfig=\S+ from \/etc\/systemd\/system\/kubelet\.service\.d\/20-site\.conf.*daemon-reload/,
          },
        ],
      },
    },
  },
  {
    id: 'kubelet-kubeconfig-by-environment-file',
    kind: 'A8',
    source: a8,
    input: `/etc/default/kubelet with \`KUBELET_EXTRA_ARGS=--kubeconfig=${other}\` on a joiner.`,
    outcome: 'blocked',
    answer: 'The last flag counts, wherever it is set: the error names that file.',
    trial: {
      plan: {
        put: inFile('cp3', '/etc/default/kubelet', () => `KUBELET_EXTRA_ARGS="--v=2 --kubeconfig=${other}"\n`),
        seenBy: ['control-planes-alike'],
        finds: [
          {
            ...{ check: 'kubelet-kubeconfig', severity: 'error', on: 'cp3' },
            evidence: /\/etc\/default\/kubelet: --kubeconfig=/,
          },
        ],
      },
    },
  },
  {
    id: 'kubelet-kubeconfig-in-two-words',
    kind: 'A8',
    source: a8,
    input: 'a unit of its own, with `--kubeconfig PATH` as two words over two lines.',
    outcome: 'supported',
    answer: 'Units are read as systemd reads them.',
    trial: {
      call(t) {
        const unit = `# /etc/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/local/bin/kubelet --v=2 \\\n  --kubeconfig ${other}\n`
        t.equal(kubeletPlaces(commandWords(splitUnitFiles(unit), () => undefined)).kubeconfig, other)
      },
    },
  },
]
