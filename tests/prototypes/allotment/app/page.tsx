import Link from "next/link"

export default function Home() {
  return (
    <main>
      <h1>Allotment club</h1>
      <Link href="/notices">Notices</Link>
    </main>
  )
}
