#!/bin/sh
# Certificates for TLS tests, into the folder named: ca (trusted by the tests), good (127.0.0.1 and
# localhost), expired, othername (for another host), self (self-signed), stranger (of an unknown CA).
set -e
cd "$1"
umask 077
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
ca() { # NAME
    key "$1"
    openssl req -x509 -new -key "$1.key" -days 30 -subj "/CN=opsdeck test $1" -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
}
cert() { # NAME CA DAYS SAN
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$4" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
ca ca
ca other
cert good ca 10 IP:127.0.0.1,DNS:localhost
cert expired ca -1 IP:127.0.0.1,DNS:localhost
cert othername ca 10 DNS:elsewhere.example
cert stranger other 10 IP:127.0.0.1
key self
openssl req -x509 -new -key self.key -days 10 -subj /CN=self -addext subjectAltName=IP:127.0.0.1 -out self.pem 2>/dev/null
