import { parse } from 'yaml'

/** The fields of a manifest that the kubelet and the programs of its pod read. */
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
      readonly livenessProbe?: { readonly httpGet?: { readonly path: string }; readonly failureThreshold?: number }
      readonly env?: readonly { readonly name: string; readonly value?: string }[]
      readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
    }[]
    readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[]
  }
}

/** Undefined if it is not a pod: the kubelet logs that and continues. */
export function readManifest(text: string): PodManifest | undefined {
  try {
    const manifest = parse(text) as PodManifest
    return Array.isArray(manifest?.spec?.containers) ? manifest : undefined
  } catch {
    return undefined
  }
}
