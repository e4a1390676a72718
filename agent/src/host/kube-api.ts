/** A change as a dry run. */
export interface TrialChange {
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly body: unknown
  /** Impersonated: the user that makes such a change, if it is not the admin. */
  readonly as?: { readonly user: string; readonly groups: readonly string[] }
}

/** The local API server as admin. Paths are API paths (`/api/v1/namespaces/kube-system/configmaps/kubeadm-config`). */
export interface KubeApi {
  /** The object, or undefined for 404; any answer but 2xx is API_SERVER_REFUSED with the server's message. */
  get<T>(path: string, signal?: AbortSignal): Promise<T | undefined>
  /** The raw answer of a path: for content that is passed on to another server. */
  answer(path: string, signal?: AbortSignal): Promise<{ readonly status: number; readonly message: string }>
  /** The answer to a change, always as a server-side dry run, which runs admission and stores nothing. `stored` is what it would store. */
  tryOut(
    change: TrialChange,
    signal?: AbortSignal,
  ): Promise<{ readonly status: number; readonly message: string; readonly stored: unknown }>
  create<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  /** PUT; with metadata.resourceVersion in the body the server refuses it after a concurrent change (DRIFT). */
  replace<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  patch<T>(path: string, mergePatch: unknown, signal?: AbortSignal): Promise<T>
  /** No error for 404. */
  remove(path: string, signal?: AbortSignal): Promise<void>
}
