import {
  commandWords,
  environmentFiles,
  flagAmong,
  kubeletPlaces,
  splitUnitFiles,
} from '@quorate/shared/kubelet-command'
import t from 'tap'

/** As the packages of pkgs.k8s.io have them. */
const packaged = `# /usr/lib/systemd/system/kubelet.service
[Unit]
Description=kubelet: The Kubernetes Node Agent

[Service]
ExecStart=/usr/bin/kubelet
Restart=always

[Install]
WantedBy=multi-user.target

# /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf
# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
const dropIn = (text: string): string => `${packaged}\n# /etc/systemd/system/kubelet.service.d/20-site.conf\n${text}\n`

const places = (printed: string, files: Readonly<Record<string, string>> = {}) =>
  kubeletPlaces(commandWords(splitUnitFiles(printed), (path) => files[path]))

t.test('the kubelet of the packages', async (t) => {
  const files = { '/var/lib/kubelet/kubeadm-flags.env': 'KUBELET_KUBEADM_ARGS="--node-ip=10.0.0.1 --v=2"\n' }
  const words = commandWords(splitUnitFiles(packaged), (path) => (files as Record<string, string>)[path])
  t.same(words, [
    '/usr/bin/kubelet',
    '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
    '--kubeconfig=/etc/kubernetes/kubelet.conf',
    '--config=/var/lib/kubelet/config.yaml',
    '--node-ip=10.0.0.1',
    '--v=2',
  ])
  t.same(places(packaged), {
    kubeconfig: '/etc/kubernetes/kubelet.conf',
    config: '/var/lib/kubelet/config.yaml',
    certDir: '/var/lib/kubelet/pki',
    rootDir: '/var/lib/kubelet',
  })
})

t.test('another kubeconfig, wherever it is said', async (t) => {
  const wanted = '/var/lib/kubelet/kubeconfig'
  const said = {
    'a variable of a drop-in': dropIn(`[Service]\nEnvironment="KUBELET_KUBECONFIG_ARGS=--kubeconfig=${wanted}"`),
    'a command of its own': dropIn(
      `[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --kubeconfig ${wanted} \\\n  --v=2`,
    ),
    'one that may fail': dropIn(`[Service]\nExecStart=\nExecStart=-/usr/bin/kubelet '--kubeconfig=${wanted}'`),
    'a part of a word': dropIn(
      `[Service]\nEnvironment=FOLDER=/var/lib/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet --kubeconfig=\${FOLDER}/kubeconfig`,
    ),
  }
  for (const [where, printed] of Object.entries(said)) t.equal(places(printed).kubeconfig, wanted, where)
  const extra = {
    '/etc/default/kubelet': `# ours\nKUBELET_EXTRA_ARGS="--kubeconfig=${wanted} --root-dir=/data/kubelet"\n`,
  }
  t.equal(places(packaged, extra).kubeconfig, wanted, 'an EnvironmentFile: the last flag counts')
  t.equal(places(packaged, extra).rootDir, '/data/kubelet')
})

t.test('what only looks like it', async (t) => {
  const usual = '/etc/kubernetes/kubelet.conf'
  t.equal(
    places(dropIn('# [Service]\n# Environment=KUBELET_EXTRA_ARGS=--kubeconfig=/x/y')).kubeconfig,
    usual,
    'a comment',
  )
  t.equal(places(dropIn('[Install]\nExecStart=/usr/bin/kubelet --kubeconfig=/x/y')).kubeconfig, usual, 'elsewhere')
  t.equal(places('').kubeconfig, usual, 'no unit')
  t.equal(flagAmong(['--kubeconfigs=/a', '--kubeconfig=/b'], 'kubeconfig'), '/b')
})

t.test('an EnvironmentFile that is named twice counts where it is named last, and is read once', async (t) => {
  const text = '[Service]\nEnvironmentFile=/a\nEnvironmentFile=-/b\nEnvironmentFile=/a\nExecStart=/k $A $B\n'
  const read: string[] = []
  const words = commandWords([{ path: '/u', text }], (path) => {
    read.push(path)
    return `A=${path}\nB=of${path}\n`
  })
  t.same(words, ['/k', '/a', 'of/a'])
  t.same(read, ['/b', '/a'])
  const many = Array.from({ length: 1_000 }, (_, at) => `EnvironmentFile=/${at}\n`).join('')
  t.same(environmentFiles([{ path: '/u', text: `[Service]\n${many}` }]), [
    '/992',
    '/993',
    '/994',
    '/995',
    '/996',
    '/997',
    '/998',
    '/999',
  ])
})

t.test('variables that stand for one another a thousand times over have an end', async (t) => {
  const text = `[Service]\nEnvironment=A=${'a'.repeat(100_000)}\nExecStart=/k${' $A'.repeat(10_000)}\n`
  const words = commandWords([{ path: '/u', text }], () => undefined)
  t.ok(words.join('').length < 300_000)
})
