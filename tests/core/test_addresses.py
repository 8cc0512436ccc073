"""Addresses that the console may call."""

import pytest

from console.core.addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700:4700::1111",
        "64:ff9b::808:808",
        "192.0.1.1",
    ],
)
def test_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16", "192.88.99.1", "3fff::1",
        "2001:4860::5efe:7f00:1", "2001:4860::200:5efe:10.0.0.1",
        "2001:0:53aa:64c:0:0:80ff:fffe", "2001:db8::1", "localhost", "", "8.8.8", "0x7f000001",
    ],
)  # fmt: skip
def test_everything_else_is_not(address):
    assert not is_public(address)
