import { kubeadmFolders } from '@quorate/shared/cluster-folders'
import { QuorateError } from '@quorate/shared/errors'
import { readStaticPod } from '@quorate/shared/static-pod'
import { filesNamedBy } from '@quorate/shared/static-pod-files'
import { filePlace } from '@quorate/shared/text-place'
import fc from 'fast-check'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { fixture, fixtureVersions } from '../../support/fixtures.js'
import { damaged } from '../../support/mutations.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
const invalid = { name: 'QuorateError', code: 'MANIFEST_INVALID' }

t.test('reads what kubeadm wrote; by itself it names no file that a joiner lacks', async (t) => {
  for (const version of fixtureVersions) {
    for (const component of components) {
      for (const when of ['before', 'after/cp2']) {
        const pod = readStaticPod(fixture(version, `${when}/manifests/${component}.yaml`), place)
        t.equal(pod.component, component)
        t.match(pod.image, new RegExp(`^registry.k8s.io/${component}:`))
        t.equal(pod.command[0], component)
        t.strictSame(filesNamedBy(pod, kubeadmFolders), [], `${version} ${when} ${component}`)
      }
    }
    const apiServer = readStaticPod(fixture(version, 'before/manifests/kube-apiserver.yaml'), place)
    t.match(apiServer.flags, {
      'advertise-address': '192.168.13.30',
      'secure-port': '6443',
      'service-cluster-ip-range': '10.96.0.0/12',
    })
    t.equal(
      apiServer.annotations['kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint'],
      '192.168.13.30:6443',
    )
    t.match(apiServer.hostPaths[2], {
      path: '/etc/kubernetes/pki',
      type: 'DirectoryOrCreate',
      mountPath: '/etc/kubernetes/pki',
    })
    const etcd = readStaticPod(fixture(version, 'after/cp2/manifests/etcd.yaml'), place)
    t.equal(etcd.flags['listen-client-urls'], 'https://127.0.0.1:2379,https://192.168.13.31:2379')
    t.match(
      etcd.flags['initial-cluster'],
      /(^|,)k8smaster1.example.com=https:\/\/192.168.13.30:2380(,|$)/,
      'a value may hold an equals sign',
    )
  }
})

/** A real manifest with flags and mounts of an operator. */
function extended(
  flags: readonly string[],
  mounts: readonly { path: string; mountPath: string; type?: string }[],
): string {
  const pod = parse(fixture('v1.37.2', 'before/manifests/kube-apiserver.yaml'))
  const [container] = pod.spec.containers
  container.command.push(...flags)
  mounts.forEach(({ path, mountPath, type }, index) => {
    pod.spec.volumes.push({ name: `x${index}`, hostPath: { path, type } })
    container.volumeMounts.push({ name: `x${index}`, mountPath })
  })
  return stringify(pod)
}

t.test('files that an operator added are named as they lie on the node', async (t) => {
  const names = (flags: readonly string[], mounts: Parameters<typeof extended>[1] = []): string[] =>
    filesNamedBy(readStaticPod(extended(flags, mounts), place), kubeadmFolders)
  t.strictSame(
    names(['--oidc-ca-file=/etc/kubernetes/pki/oidc.crt']),
    ['/etc/kubernetes/pki/oidc.crt'],
    "in kubeadm's own folder, but not its own",
  )
  t.strictSame(
    names(['--encryption-provider-config=/enc/config.yaml'], [{ path: '/etc/kubernetes/enc', mountPath: '/enc' }]),
    ['/etc/kubernetes/enc', '/etc/kubernetes/enc/config.yaml'],
    "the node's path, not the container's",
  )
  t.strictSame(
    names(
      ['--audit-policy-file=/etc/audit.yaml', '--audit-log-path=/var/log/kube/audit.log'],
      [
        { path: '/etc/kubernetes/audit.yaml', mountPath: '/etc/audit.yaml', type: 'File' },
        { path: '/var/log/kube', mountPath: '/var/log/kube', type: 'DirectoryOrCreate' },
      ],
    ),
    ['/etc/kubernetes/audit.yaml'],
    'what it writes is not what it reads',
  )
  t.strictSame(
    names(
      ['cafile=/etc/etcd/pki/ca.crt', 'certfile=/etc/etcd/pki/client.crt', 'keyfile=/etc/etcd/pki/client.key'].map(
        (flag) => `--etcd-${flag}`,
      ),
      [{ path: '/etc/etcd/pki', mountPath: '/etc/etcd/pki', type: 'DirectoryOrCreate' }],
    ),
    ['/etc/etcd/pki/ca.crt', '/etc/etcd/pki/client.crt', '/etc/etcd/pki/client.key'],
    "an external etcd's client files, and nothing else of their folder",
  )
  t.strictSame(names(['--api-audiences=/not/mounted']), [], 'a path in the image')
  t.strictSame(names([], [{ path: '/opt/plugin', mountPath: '/opt/plugin' }]), ['/opt/plugin'])
  t.strictSame(
    names(['--tls-cert-file', '/etc/kubernetes/pki/own.crt']),
    ['/etc/kubernetes/pki/own.crt'],
    'a value of its own word',
  )
})

t.test('flags in every spelling', async (t) => {
  const pod = readStaticPod(
    'kind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: sidecar, image: s}, {name: x, image: i, command: [x, --a=1=2, --b, --c, v], args: [-d=1, --a=3, 5]}]}',
    place,
  )
  t.match(pod, { component: 'x', image: 'i', command: ['x', '--a=1=2', '--b', '--c', 'v', '-d=1', '--a=3', '5'] })
  t.strictSame(pod.flags, { a: '3', b: 'true', c: 'v', d: '1' })
})

t.test('what is no pod is refused', async (t) => {
  for (const text of [
    '',
    'x',
    '[]',
    'kind: Deployment',
    'kind: Pod',
    'kind: Pod\nspec: {containers: []}',
    'kind: Pod\nspec: 1',
    'a: b: c',
  ]) {
    t.throws(() => readStaticPod(text, place), invalid, JSON.stringify(text))
  }
})

t.test('fuzz: a damaged manifest gives a view or a QuorateError', async () => {
  const texts = fc.oneof(
    ...components.map((component) => damaged(fixture('v1.30.4', `before/manifests/${component}.yaml`))),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const pod = readStaticPod(text, place)
        return (
          filesNamedBy(pod, kubeadmFolders).every((path) => typeof path === 'string') &&
          Object.values(pod.flags).every((value) => typeof value === 'string')
        )
      } catch (error) {
        if (error instanceof QuorateError && error.code === 'MANIFEST_INVALID') return true
        throw error
      }
    }),
    { numRuns: 400 },
  )
})
