export function Remark({ html }: { html: string }) {
  return <aside dangerouslySetInnerHTML={{ __html: html }} />
}
