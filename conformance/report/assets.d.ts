/** Files that the bundler takes into the program as text. */
declare module '*.css' {
  const text: string
  export default text
}
declare module '*/page_client.js' {
  const text: string
  export default text
}
