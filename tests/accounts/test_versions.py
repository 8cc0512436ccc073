"""Which of two releases is later, by their names."""

import pytest

from console.accounts.versions import compare, package_of, version_of

LATER = [
    ("shop@2.0.0", "shop@1.9.9"),
    ("shop@1.10.0", "shop@1.9.0"),
    ("1.10", "1.9.3"),
    ("v1.3", "1.2.9"),
    ("V2.0", "v1.9"),
    ("shop@1.2.3+46", "shop@1.2.3+45"),
    ("com.acme.shop@3.1.0+1204", "com.acme.shop@3.0.9+1300"),
    ("@acme/shop@1.1.0", "@acme/shop@1.0.9"),
    ("shop@1.2.3", "shop@1.2.3-rc.1"),
    ("shop@1.2.3-rc.10", "shop@1.2.3-rc.2"),
    ("shop@1.2.3-rc10", "shop@1.2.3-rc2"),
    ("shop@1.2.3-beta.1", "shop@1.2.3-alpha.7"),
    ("shop@1.2.3-beta", "shop@1.2.3-4"),  # semver.org §11.4.3
    ("1.2.3", "1.2.3-SNAPSHOT"),
    ("1.2.3-SNAPSHOT", "1.2.2"),
    ("5.3.0.RELEASE", "5.3.0.RC2"),
    ("5.3.0.M2", "5.2.9.RELEASE"),
    ("1.0.post1", "1.0"),
    ("1.0rc1", "1.0b9"),
    ("1.0rc1", "1.0rc1.dev3"),
    ("2024.01.16", "2024.01.15"),
    ("2024-02-01", "2024-01-31"),
    ("20240116", "20240115"),
    ("20240116-2", "20240116-1"),
    ("202401160930", "202401160915"),
    ("1.2.3.4", "1.2.3"),
    ("v1.2.3-14-gabc1234", "v1.2.3"),
    ("v1.2.3-15-g0bc1234", "v1.2.3-14-gabc1234"),
    ("v1.2.4", "v1.2.3-14-gabc1234"),
    ("shop-1.4.0", "shop-1.3.9"),
    ("release/1.4", "release/1.3"),
    ("release-43", "release-42"),
    ("build 1043", "build 999"),
    ("1043", "999"),
]


@pytest.mark.parametrize(("later", "earlier"), LATER)
def test_a_later_version(later, earlier):
    assert (compare(later, earlier), compare(earlier, later)) == (1, -1)


@pytest.mark.parametrize(
    ("release", "base"),
    [
        ("shop@1.2", "shop@1.2.0"),
        ("v1.2", "1.2.0"),
        ("5.3.0.RELEASE", "5.3.0"),
        ("9f3c1d2", "9f3c1d2"),
    ],
)
def test_the_same_version(release, base):
    assert compare(release, base) == 0


@pytest.mark.parametrize(
    ("release", "base"),
    [
        ("shop@2.0.0", "admin@1.0.0"),
        ("shop@2.0.0", "1.0.0"),
        ("9f3c1d2", "1.0.0"),
        ("9f3c1d2ab0", "0a1b2c3d4e"),
        ("shop@9f3c1d2ab0", "shop@0a1b2c3d4e"),
        ("4532178", "4532179"),  # seven digits of a commit that happen to be decimal
        ("1.2.3-9f3c1d2", "1.2.3-0a1b2c3"),
        ("shop@1.2.3+9f3c1d2", "shop@1.2.3+0a1b2c3"),
        ("shop@1.2.3+4", "shop@1.2.3"),
        ("1.2.3-production", "1.2.3-staging"),
        ("nightly", "stable"),
        ("12345678-1234-5678-1234-567812345678", "550e8400-e29b-41d4-a716-446655440000"),
        ("2 of them?", "1"),
        ("", "1.0"),
    ],
)
def test_names_that_do_not_tell(release, base):
    assert compare(release, base) is None
    assert compare(base, release) is None


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("shop@1.2", "shop"),
        ("@acme/shop@1.2", "@acme/shop"),
        ("shop-1.2", "shop"),
        ("web-9f3c1d2", ""),
        ("v1.2", ""),
        ("1.2-3", ""),
    ],
)
def test_the_package(release, package):
    assert package_of(release) == package


@pytest.mark.parametrize(
    "release", ["9" * 200, "1." * 100, "-1" * 100, "1-a" * 66, "١.٢", "@", "+", "v", "1.2.3 "]
)
def test_odd_names_are_read(release):
    version = version_of(release)
    assert version is None or version == version_of(release)
