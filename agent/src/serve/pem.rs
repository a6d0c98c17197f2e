//! DER as PEM. Pure. Source: RFC 7468.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const LINE: usize = 64;

/// A PEM block.
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn what_is_written_can_be_read() {
        for length in [1, 47, 48, 49, 1000] {
            let der = vec![7; length];
            let pem = encode("CERTIFICATE", &der);
            assert_eq!(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().as_ref(), der, "{length}");
            assert!(pem.lines().all(|line| line.len() <= LINE) && !pem.contains("\n\n"), "{pem}");
        }
    }
}
