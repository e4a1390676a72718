import { isIP } from 'node:net'
import { kubeVipConfPath } from '@quorate/shared/kube-vip-manifest'
import { isDnsName } from '@quorate/shared/names'
import { z } from 'zod'
import type { Balancer } from './sight.js'

const container = z.object({
  image: z.string().optional(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).nullish(),
})

const pod = z.object({
  metadata: z.object({
    name: z.string().refine(isDnsName),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z
    .object({
      containers: z.array(container).nullish(),
      volumes: z.array(z.object({ hostPath: z.object({ path: z.string() }).nullish() })).nullish(),
    })
    .nullish(),
})

export type Pod = z.output<typeof pod>

export const podPage = z.object({
  metadata: z.object({ continue: z.string().optional() }).optional(),
  items: z.array(pod),
})

/** `ghcr.io/kube-vip/kube-vip:v0.8.9` -> `kube-vip` */
const program = (image: string): string => (image.slice(0, 500).split('/').at(-1) ?? '').split(/[:@]/)[0] ?? ''

/** What serves the endpoint, by the pods on the control planes: kube-vip before others, which may only stand beside it. */
export function balancerOf(pods: readonly Pod[]): Balancer | undefined {
  return first(pods, kubeVip) ?? first(pods, keepalived) ?? first(pods, proxy)
}

function first(pods: readonly Pod[], look: (pod: Pod) => Balancer | undefined): Balancer | undefined {
  for (const one of pods) {
    const found = look(one)
    if (found !== undefined) return found
  }
  return undefined
}

/** kube-vip with a virtual IP for the control plane; Quorate's own has a kubeconfig of its own. One that only serves Services is none. */
function kubeVip({ metadata: { name }, spec }: Pod): Balancer | undefined {
  const found = spec?.containers?.find(({ image = '' }) => /^kube-vip(-iptables)?$/.test(program(image)))
  const setting = (wanted: string) => found?.env?.find((one) => one.name === wanted)?.value ?? ''
  const virtualIP = [setting('address'), setting('vip_address')].find((text) => isIP(text) !== 0)
  if (found === undefined || setting('cp_enable') !== 'true' || virtualIP === undefined) return undefined
  const own = spec?.volumes?.some(({ hostPath }) => hostPath?.path === kubeVipConfPath) ?? false
  return own
    ? { kind: 'kube-vip', virtualIP, image: found.image, from: `pod ${name}, which Quorate made` }
    : { kind: 'external', virtualIP, from: `pod ${name}: this kube-vip stays as it is` }
}

const runs =
  (wanted: RegExp) =>
  ({ spec }: Pod): boolean =>
    spec?.containers?.some(({ image = '' }) => wanted.test(program(image))) ?? false

function keepalived(one: Pod): Balancer | undefined {
  if (!runs(/keepalived/)(one)) return undefined
  return { kind: 'external', from: `pod ${one.metadata.name}: this keepalived stays as it is` }
}

function proxy(one: Pod): Balancer | undefined {
  if (!runs(/^haproxy/)(one)) return undefined
  return { kind: 'external', from: `pod ${one.metadata.name}: this haproxy stays as it is` }
}
