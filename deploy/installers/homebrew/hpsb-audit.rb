# Not published. @...@ is filled in by deploy/release/build. Builds from source, because releases contain no macOS binary.
class HpsbAudit < Formula
  desc "Offline verification and audit of IBM Hyper Protect Secure Build manifests"
  homepage "@URL@"
  url "@URL@/hpsb-audit-@VERSION@-source.tar.gz"
  sha256 "@SHA256_SOURCE@"
  license "Apache-2.0"

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"hpsb-audit", "completions")
    system bin/"hpsb-audit", "man", "pages"
    man1.install Dir["pages/*.1"]
  end

  test do
    assert_match "cases gave the expected result", shell_output("#{bin}/hpsb-audit self-test")
  end
end
