import type { ReactNode } from "react"

export const metadata = { title: "Allotment club", generator: "v0.dev" }

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
