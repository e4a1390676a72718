import { parse } from 'yaml'

/** What the kubelet, and what runs in a pod, look at of a manifest. */
export interface PodManifest {
  readonly metadata: {
    readonly name: string
    readonly labels?: Record<string, string>
    readonly annotations?: Record<string, string>
  }
  readonly spec: {
    readonly containers: readonly {
      readonly name: string
      readonly image: string
      readonly command?: readonly string[]
      readonly env?: readonly { readonly name: string; readonly value?: string }[]
      readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
    }[]
    readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[]
  }
}

/** Undefined for what is no pod: the kubelet logs it and goes on. */
export function readManifest(text: string): PodManifest | undefined {
  try {
    const manifest = parse(text) as PodManifest
    return Array.isArray(manifest?.spec?.containers) ? manifest : undefined
  } catch {
    return undefined
  }
}
