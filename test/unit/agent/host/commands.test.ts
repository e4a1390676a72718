import t from 'tap'
import { commands } from '../../../../agent/src/host/commands.js'

const line = ({ file, args }: { file: string; args: readonly string[] }) => [file, ...args].join(' ')

t.test('every command line that the agent can run, word by word', async (t) => {
  const made: Record<keyof typeof commands, string> = {
    resolveName: line(commands.resolveName('apiserver.example.com')),
    interfaces: line(commands.interfaces()),
    listeningSockets: line(commands.listeningSockets()),
    establishedSockets: line(commands.establishedSockets()),
    clockSynchronised: line(commands.clockSynchronised()),
    kubeadmVersion: line(commands.kubeadmVersion()),
    kubeletVersion: line(commands.kubeletVersion()),
    kubectlVersion: line(commands.kubectlVersion()),
    haproxyVersion: line(commands.haproxyVersion()),
    keepalivedVersion: line(commands.keepalivedVersion()),
    checkHaproxyConfig: line(commands.checkHaproxyConfig('/run/quorate-agent/h')),
    checkKeepalivedConfig: line(commands.checkKeepalivedConfig('/run/quorate-agent/k')),
    showUnits: line(commands.showUnits(['kubelet', 'haproxy'])),
    unitFiles: line(commands.unitFiles('kubelet')),
    unitJournal: line(commands.unitJournal('quorate-a.service')),
    validateConfig: line(commands.validateConfig('/run/quorate-agent/c')),
    listImages: line(commands.listImages('v1.37.2', 'registry.k8s.io')),
    makeKubeconfig: line(commands.makeKubeconfig('/run/quorate-agent/c', 'quorate:kube-vip', 87_600)),
    copySecurityContext: line(commands.copySecurityContext('/etc/hosts', '/etc/.hosts.quorate-1')),
    startTransientUnit: line(commands.startTransientUnit('quorate-a.service', commands.restartKubelet())),
    startTransientTimer: line(commands.startTransientTimer('quorate-a', 60, commands.startServices(['kubelet']))),
    stopUnit: line(commands.stopUnit('quorate-a.service')),
    resetFailedUnit: line(commands.resetFailedUnit('quorate-a.service')),
    issueCertificate: line(commands.issueCertificate('etcd-peer', '/run/quorate-agent/c')),
    generateRequests: line(
      commands.generateRequests('/run/quorate-agent/c', '/run/quorate-agent/p', '/run/quorate-agent/k'),
    ),
    uploadCertificates: line(commands.uploadCertificates('/run/quorate-agent/c')),
    joinPreflight: line(commands.joinPreflight('/run/quorate-agent/c')),
    joinControlPlane: line(commands.joinControlPlane('/run/quorate-agent/c')),
    markControlPlane: line(commands.markControlPlane('/run/quorate-agent/c')),
    resetNode: line(commands.resetNode('/run/containerd/containerd.sock', 'external')),
    restartKubelet: line(commands.restartKubelet()),
    enableAndStart: line(commands.enableAndStart('haproxy')),
    reloadOrRestart: line(commands.reloadOrRestart('keepalived')),
    startServices: line(commands.startServices(['haproxy', 'keepalived'])),
    stopServices: line(commands.stopServices(['kubelet'])),
    disableAndStop: line(commands.disableAndStop('haproxy')),
  }
  t.same(Object.keys(made).sort(), Object.keys(commands).sort(), 'none is left out')
  t.same(Object.values(made), [
    'getent ahosts apiserver.example.com',
    'ip -j addr',
    'ss -Htlnp',
    'ss -Htnp',
    'timedatectl show --property=NTPSynchronized --value',
    'kubeadm version -o short',
    'kubelet --version',
    'kubectl version --client -o json',
    'haproxy -v',
    'keepalived --version',
    'haproxy -c -f /run/quorate-agent/h',
    'keepalived --config-test --use-file=/run/quorate-agent/k',
    'systemctl show kubelet haproxy --property=LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,ActiveEnterTimestamp,ExecMainStartTimestamp,MainPID',
    'systemctl cat kubelet --no-pager',
    'journalctl --unit=quorate-a.service --output=cat --no-pager',
    'kubeadm config validate --config /run/quorate-agent/c',
    'kubeadm config images list --kubernetes-version=v1.37.2 --image-repository=registry.k8s.io',
    'kubeadm kubeconfig user --config /run/quorate-agent/c --client-name quorate:kube-vip --validity-period 87600h',
    'chcon --reference=/etc/hosts -- /etc/.hosts.quorate-1',
    'systemd-run --unit=quorate-a.service --property=Type=oneshot --property=RemainAfterExit=yes --setenv=SYSTEMCTL_SKIP_SYSV=1 --no-block -- systemctl restart kubelet',
    'systemd-run --unit=quorate-a --on-active=60 --timer-property=AccuracySec=100ms --property=Type=oneshot --setenv=SYSTEMCTL_SKIP_SYSV=1 -- systemctl start kubelet',
    'systemctl stop quorate-a.service',
    'systemctl reset-failed quorate-a.service',
    'kubeadm init phase certs etcd-peer --config /run/quorate-agent/c',
    'kubeadm certs generate-csr --config /run/quorate-agent/c --cert-dir /run/quorate-agent/p --kubeconfig-dir /run/quorate-agent/k',
    'kubeadm init phase upload-certs --upload-certs --config /run/quorate-agent/c',
    'kubeadm join phase preflight --config /run/quorate-agent/c',
    'kubeadm join --config /run/quorate-agent/c',
    'kubeadm join phase control-plane-join mark-control-plane --config /run/quorate-agent/c',
    'kubeadm reset --force --cri-socket /run/containerd/containerd.sock --skip-phases=remove-etcd-member',
    'systemctl restart kubelet',
    'systemctl enable --now haproxy',
    'systemctl reload-or-restart keepalived',
    'systemctl start haproxy keepalived',
    'systemctl stop kubelet',
    'systemctl disable --now haproxy',
  ])
})

t.test('a name that a program would take for an option is refused', async (t) => {
  t.throws(() => commands.resolveName('--service=files'), { code: 'INVALID_REQUEST' })
  t.throws(() => commands.joinControlPlane(''), { code: 'INVALID_REQUEST' })
})
