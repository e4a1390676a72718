/** Whether a cluster is one of the caller's; one who is for no cluster in particular is for all. */
export const mayConcern = (caller: { readonly clusters: readonly string[] } | undefined, cluster: string): boolean =>
  caller === undefined || caller.clusters.length === 0 || caller.clusters.includes(cluster)
