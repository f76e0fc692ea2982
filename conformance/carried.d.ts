/** A file that the bundler takes into the executable: its path there. */
declare module '*/busybox' {
  const path: string
  export default path
}
