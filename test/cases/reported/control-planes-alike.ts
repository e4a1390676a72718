import { holds, notYet, until } from '@quorate/shared/until'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { ExpectedFinding, PublicCase } from './case.js'
import { inClusterConfiguration, inConfigMap, inFile, together } from './put.js'

type Component = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'etcd'
type Put = (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>

const manifest = (component: Component): string => `/etc/kubernetes/manifests/${component}.yaml`

/** Changes a manifest of the first control plane and waits until the kubelet has restarted what it describes, in and out. */
const inManifest =
  (component: Component, change: (text: string) => string): Put =>
  async (cluster) => {
    const settled = async (before: readonly string[]) => {
      await until(
        'the component to run again',
        async () => {
          const now = await running(cluster, component)
          const { status } = await cluster.control
            .ask<{ status: number }>('kube', { method: 'GET', path: '/readyz' })
            .catch(() => ({ status: 0 }))
          return now.length === 1 && !before.includes(now[0] ?? '') && status === 200
            ? holds(true)
            : notYet(`${now.length} run, ${status}`)
        },
        { deadlineMs: 60_000, everyMs: 100 },
      )
    }
    const first = await running(cluster, component)
    const out = await inFile('cp1', manifest(component), change)(cluster)
    await settled(first)
    return async () => {
      const second = await running(cluster, component)
      await out()
      await settled(second)
    }
  }

async function running(cluster: SimulatedCluster, component: Component): Promise<readonly string[]> {
  const node = cluster.node('cp1').name
  const all = await cluster.control.ask<{ id: string; name: string; running: boolean }[]>('containers', { node })
  return all.filter((one) => one.name === component && one.running).map(({ id }) => id)
}

/** Words added behind the name of the program. */
const withWords = (component: Component, ...words: readonly string[]): Put =>
  inManifest(component, (text) =>
    text.replace(
      `- ${component}\n`,
      `- ${component}\n${words.map((word) => `    - ${JSON.stringify(word)}\n`).join('')}`,
    ),
  )

const withoutFlag = (component: Component, name: string): Put =>
  inManifest(component, (text) => text.replace(new RegExp(`^ *- --${name}=.*\\n`, 'm'), ''))

const check = 'control-planes-alike'
const differs = (message: RegExp, rest: Partial<ExpectedFinding> = {}): ExpectedFinding => ({
  ...{ check, severity: 'error', on: 'cp1', message, ...rest },
})

const kind = 'A1'
const adopt = { adoptManifestChanges: true }
const blocked =
  'The plan blocks and names component, flag and both values, with the lines to add to kubeadm-config, or the policy that adds them.'
const offered =
  'With policy.adoptManifestChanges the plan shows the lines in the diff of kubeadm-config, and kubeadm is asked again whether nothing is left.'
const podCidr = ['flannel-io/flannel#728', 'kubernetes/kubeadm#1601']
const cidrs = withWords('kube-controller-manager', '--allocate-node-cidrs=true', '--cluster-cidr=10.244.0.0/16')

/** Clusters whose first control plane runs with something that kubeadm-config does not say. */
export const controlPlanesAlike: readonly PublicCase[] = [
  {
    id: 'cluster-cidr-by-hand',
    kind,
    source: podCidr,
    input: '--cluster-cidr and --allocate-node-cidrs were written into the manifest of the controller-manager',
    outcome: 'blocked',
    answer: blocked,
    trial: {
      plan: {
        put: cidrs,
        finds: [
          differs(/--allocate-node-cidrs of kube-controller-manager is true here.*joiners absent/),
          differs(/--cluster-cidr of kube-controller-manager is 10\.244\.0\.0\/16 here/, {
            evidence:
              /kube-controller-manager\.yaml, line \d+: --cluster-cidr=10\.244\.0\.0\/16; kubeadm would write: absent/,
            remedy:
              /adoptManifestChanges: true[\s\S]*controllerManager:\n {2}extraArgs:\n {2}- name: cluster-cidr\n {4}value: 10\.244\.0\.0\/16/,
          }),
        ],
      },
    },
  },
  {
    id: 'cluster-cidr-adopted',
    kind,
    source: podCidr,
    input: 'The same cluster, and the cluster file lets kubeadm-config be changed',
    outcome: 'offered',
    answer: offered,
    trial: {
      plan: {
        put: cidrs,
        policy: adopt,
        finds: [],
        diff: [
          /\+controllerManager:\n\+ {2}extraArgs:\n\+ {2}- name: allocate-node-cidrs\n\+ {4}value: "true"\n\+ {2}- name: cluster-cidr/,
        ],
      },
    },
  },
  {
    id: 'etcd-quota-by-hand',
    kind,
    source: ['kubernetes/kubeadm#2735', 'kubernetes-retired/etcdadm#383'],
    input: '--quota-backend-bytes was written into the manifest of etcd, in two words',
    outcome: 'blocked',
    answer: blocked,
    trial: {
      plan: {
        put: withWords('etcd', '--quota-backend-bytes', '8589934592'),
        finds: [
          differs(/--quota-backend-bytes of etcd is 8589934592 here/, { remedy: /etcd:\n {2}local:\n {4}extraArgs:/ }),
        ],
      },
    },
  },
  {
    id: 'etcd-quota-adopted',
    kind,
    source: ['kubernetes/kubeadm#2735'],
    input: 'The same cluster, and the cluster file lets kubeadm-config be changed',
    outcome: 'offered',
    answer: offered,
    trial: {
      plan: {
        put: withWords('etcd', '--quota-backend-bytes', '8589934592'),
        policy: adopt,
        finds: [],
        diff: [/\+ {4}extraArgs:\n\+ {4}- name: quota-backend-bytes\n\+ {6}value: "8589934592"/],
      },
    },
  },
  {
    id: 'second-issuer-adopted',
    kind,
    source: ['aws/amazon-eks-pod-identity-webhook: self-hosted setup', 'kubernetes/kubeadm#1447'],
    input: 'A second --service-account-issuer was written before the one of kubeadm',
    outcome: 'offered',
    answer: 'kubeadm-config of v1beta4 gets both issuers in their order: the first one signs.',
    trial: {
      plan: {
        put: withWords('kube-apiserver', '--service-account-issuer=https://oidc.example.com'),
        policy: adopt,
        finds: [],
        diff: [
          /value: https:\/\/oidc\.example\.com\n\+ {2}- name: service-account-issuer\n\+ {4}value: https:\/\/kubernetes\.default/,
        ],
      },
    },
  },
  {
    id: 'admission-plugin-by-hand',
    kind,
    source: ['kubernetes/kubeadm#1601'],
    input: 'A flag that kubeadm sets itself was given another value in the manifest',
    outcome: 'blocked',
    answer: blocked,
    trial: {
      plan: {
        put: inManifest('kube-apiserver', (text) =>
          text.replace('plugins=NodeRestriction', 'plugins=NodeRestriction,AlwaysPullImages'),
        ),
        finds: [
          differs(
            /--enable-admission-plugins of kube-apiserver is NodeRestriction,AlwaysPullImages here; kubeadm would give the joiners NodeRestriction/,
          ),
        ],
      },
    },
  },
  {
    id: 'flag-removed-by-hand',
    kind,
    source: ['kubernetes/kubeadm#2735'],
    input: 'A flag of kubeadm was taken out of the manifest of the scheduler',
    outcome: 'blocked',
    answer:
      'kubeadm-config cannot take out what kubeadm sets itself: the plan blocks with the line to put back, and with the kubeadm patch that keeps it away.',
    trial: {
      plan: {
        put: withoutFlag('kube-scheduler', 'authorization-kubeconfig'),
        finds: [
          differs(/--authorization-kubeconfig of kube-scheduler is absent here/, {
            remedy:
              /kube-scheduler8\+json\.yaml[\s\S]*op: test[\s\S]*op: remove[\s\S]*- --authorization-kubeconfig=\/etc\/kubernetes\/scheduler\.conf/,
          }),
        ],
      },
    },
  },
  {
    id: 'environment-by-hand',
    kind,
    source: ['kubernetes/kubeadm#2735'],
    input: 'GODEBUG was written into the manifest of the controller-manager',
    outcome: 'offered',
    answer: offered,
    trial: {
      plan: {
        put: inManifest('kube-controller-manager', (text) =>
          text.replace('    image:', '    env:\n    - name: GODEBUG\n      value: x509sha1=1\n    image:'),
        ),
        policy: adopt,
        finds: [],
        diff: [/\+ {2}extraEnvs:\n\+ {2}- name: GODEBUG/],
      },
    },
  },
  {
    id: 'image-by-hand',
    kind,
    source: ['kubernetes/kubeadm#1447'],
    input: 'One component runs an image of another registry, by hand',
    outcome: 'blocked',
    answer:
      'kubeadm has one repository for all components: the plan blocks with the kubeadm patch that names the image.',
    trial: {
      plan: {
        put: inManifest('kube-scheduler', (text) =>
          text.replace('registry.k8s.io/kube-scheduler', 'registry.example.com/kube-scheduler'),
        ),
        finds: [
          differs(/image of kube-scheduler is registry\.example\.com/, {
            remedy: /kube-scheduler8\+strategic\.yaml[\s\S]*image: registry\.example\.com/,
          }),
        ],
      },
    },
  },
  {
    id: 'dns-policy-by-hand',
    kind,
    source: ['kubernetes/kubeadm#2735'],
    input: 'dnsPolicy was written into the manifest of the API server',
    outcome: 'blocked',
    answer: 'The plan blocks with the kubeadm patch that says it for every control plane.',
    trial: {
      plan: {
        put: inManifest('kube-apiserver', (text) =>
          text.replace('  hostNetwork: true', '  dnsPolicy: ClusterFirstWithHostNet\n  hostNetwork: true'),
        ),
        finds: [
          differs(/dnsPolicy of kube-apiserver is ClusterFirstWithHostNet here/, {
            remedy: /spec:\n {2}dnsPolicy: ClusterFirstWithHostNet/,
          }),
        ],
      },
    },
  },
  {
    id: 'resources-by-hand',
    kind,
    source: ['kubernetes/kubeadm#2735'],
    input: 'The scheduler asks for another share of the processor than kubeadm lets it',
    outcome: 'reported',
    answer: 'A warning names both values: what the component does is the same.',
    trial: {
      plan: {
        put: inManifest('kube-scheduler', (text) => text.replace('cpu: 100m', 'cpu: 300m')),
        finds: [differs(/resources\.requests\.cpu of kube-scheduler is 300m here/, { severity: 'warning' })],
      },
    },
  },
  {
    id: 'same-in-other-words',
    kind,
    source: ['kubernetes/kubeadm#1601'],
    input: 'Flags of the manifest are written in two words, as bare booleans and in another order',
    outcome: 'accepted',
    answer: 'What means the same is no difference.',
    trial: {
      plan: {
        put: inManifest('kube-apiserver', (text) =>
          text
            .replace('- --allow-privileged=true\n', '- --allow-privileged\n')
            .replace('- --secure-port=6443\n', '- --secure-port\n    - "6443"\n')
            .replace(/^( *- --etcd-cafile=.*\n)( *- --etcd-certfile=.*\n)/m, '$2$1'),
        ),
        finds: [],
      },
    },
  },
  {
    id: 'extra-args-never-applied',
    kind,
    source: ['kubernetes/kubeadm#970'],
    input: 'kubeadm-config got extraArgs that nobody applied to the manifest',
    outcome: 'blocked',
    answer: 'The joiners would have the flag and the first not: the plan blocks with both ways to make them equal.',
    trial: {
      plan: {
        put: inClusterConfiguration((text) =>
          text.replace('scheduler: {}', 'scheduler:\n  extraArgs:\n  - name: v\n    value: "4"'),
        ),
        finds: [differs(/--v of kube-scheduler is absent here; kubeadm would give the joiners 4/)],
      },
    },
  },
  {
    id: 'kubelet-configured-by-hand',
    kind,
    source: ['kubernetes/kubeadm#1682'],
    input: 'maxPods was written into the configuration file of the first kubelet alone',
    outcome: 'blocked',
    answer: 'The plan blocks: the joiners would get what the ConfigMap kubelet-config says.',
    trial: {
      plan: {
        put: inFile('cp1', '/var/lib/kubelet/config.yaml', (text) => `${text}maxPods: 250\n`),
        finds: [differs(/maxPods of the kubelet is 250 here; kubeadm would give the joiners absent/)],
      },
    },
  },
  {
    id: 'kubelet-config-in-step',
    kind,
    source: ['kubernetes/kubeadm#1682'],
    input: 'maxPods stands in the kubelet and in kubelet-config, and the resolver is the own one of the machine',
    outcome: 'accepted',
    answer: 'Equal by value; what belongs to a machine is not compared.',
    trial: {
      plan: {
        put: together(
          inFile(
            'cp1',
            '/var/lib/kubelet/config.yaml',
            (text) => `resolvConf: /run/systemd/resolve/resolv.conf\nmaxPods: 250\n${text}`,
          ),
          inConfigMap('kube-system', 'kubelet-config', ({ kubelet = '' }) => ({ kubelet: `${kubelet}maxPods: 250\n` })),
        ),
        finds: [],
      },
    },
  },
  ...['v1.36.3', '"v1.37.1"'].map(
    (said): PublicCase => ({
      id: `kubernetes-version-${said.replaceAll('"', '')}`,
      kind: 'A3',
      source: ['ubicloud/ubicloud#5323', 'kubernetes/kubeadm#1556'],
      input: `kubernetesVersion in kubeadm-config is ${said}, and everything runs 1.37.2`,
      outcome: 'blocked',
      answer: 'The plan blocks with the line and the command: kubeadm would give the joiners the version that it says.',
      trial: {
        plan: {
          put: inClusterConfiguration((text) =>
            text.replace('kubernetesVersion: v1.37.2', `kubernetesVersion: ${said}`),
          ),
          finds: [
            {
              check: 'kubeadm-config-version',
              severity: 'error',
              message: /line \d+: kubernetesVersion is v1\.3[67]\.[13], the cluster runs v1\.37\.2/,
              remedy: /sed 's\/kubernetesVersion: .*\/kubernetesVersion: v1\.37\.2\/' \| kubectl replace -f -/,
            },
          ],
        },
      },
    }),
  ),
]
