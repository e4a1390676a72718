import type { OtherStaticPod } from '@quorate/shared/gen/quorate/v1/facts'

/** What a static pod beside kubeadm's is for, as far as its own manifest says it. */
export type KindOfPod = 'no pod' | 'copy' | 'kms plugin' | 'load balancer' | 'own pod'

const kubeadmComponents = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']
/** Programs that stand in front of API servers on nodes of kubespray, KubeKey, kubeadm's own guide and others. */
const loadBalancers = ['nginx', 'nginx-proxy', 'haproxy', 'kube-vip', 'keepalived', 'envoy', 'traefik']

/** What relies on it decides: only a copy, and what is no pod at all, can be moved away without a loss. */
export function kindOfPod(
  pod: OtherStaticPod,
  all: readonly OtherStaticPod[],
  kmsSockets: readonly string[],
): KindOfPod {
  if (pod.problem !== '' || pod.pod === '') return 'no pod'
  // First: a KMS plugin's second copy still serves the socket, whatever it is called.
  if (kmsSockets.some((socket) => usesSocket(pod, socket))) return 'kms plugin'
  const twice = all.some((other) => other !== pod && other.pod === pod.pod && other.file < pod.file)
  if (kubeadmComponents.includes(pod.pod) || twice) return 'copy'
  return isLoadBalancer(pod) ? 'load balancer' : 'own pod'
}

/** Whether it mounts the folder of a socket, or names the socket on its command line. */
export function usesSocket({ hostPaths, command }: OtherStaticPod, socket: string): boolean {
  const [wanted, folder] = [real(socket), real(socket).replace(/\/[^/]*$/, '')]
  const mounts = hostPaths.map(real).some((path) => path === wanted || path === folder)
  return (
    mounts || command.some((word) => real(word.replace(/^.{0,100}?=/, '').replace(/^unix:(?:\/\/)?/, '')) === wanted)
  )
}

/** /var/run is a link to /run; a folder may end with a slash. */
const real = (path: string): string => path.replace(/^\/var\/run\//, '/run/').replace(/(?<=.)\/$/, '')

/** By the name of its image, without registry and tag. */
function isLoadBalancer({ images, pod }: OtherStaticPod): boolean {
  const names = images.map(
    (image) =>
      image
        .replace(/[@:][^/]{0,200}$/, '')
        .split('/')
        .at(-1) ?? '',
  )
  return [...names, pod].some((name) => loadBalancers.some((one) => name === one || name.startsWith(`${one}-`)))
}
