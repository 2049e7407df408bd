//! Response frames out of bytes as they arrive. Pure; copies only what a piece cuts.

use super::kafka::ClientError;

/// A response's bytes at most: four times the largest fetch that can be asked for.
pub const RESPONSE_BYTES_MAX: usize = 512 << 20;

/// Where the cutting of a connection's responses stands.
#[derive(Debug, Default)]
pub struct FrameCutter {
    cut: Vec<u8>,
}

impl FrameCutter {
    /// Takes what arrived; calls `on` for each whole frame, without its length.
    pub fn feed<E: From<ClientError>>(
        &mut self,
        mut input: &[u8],
        mut on: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.cut.is_empty() {
            let mut cut = std::mem::take(&mut self.cut);
            loop {
                let needed = frame_bytes(&cut)?.unwrap_or(4);
                if cut.len() >= needed && needed > 4 {
                    on(&cut[4..])?;
                    break;
                }
                let more = (needed - cut.len()).min(input.len());
                cut.extend_from_slice(&input[..more]);
                input = &input[more..];
                if more == 0 {
                    self.cut = cut;
                    return Ok(());
                }
            }
            cut.clear();
            self.cut = cut;
        }
        while let Some(bytes) = frame_bytes(input)?
            && let Some((frame, rest)) = input.split_at_checked(bytes)
        {
            on(&frame[4..])?;
            input = rest;
        }
        self.cut.extend_from_slice(input);
        Ok(())
    }
}

/// Bytes of the frame that begins here, with its length; `None` if not even the length is there.
fn frame_bytes(bytes: &[u8]) -> Result<Option<usize>, ClientError> {
    let Some(&length) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(bytes) if (4..=RESPONSE_BYTES_MAX).contains(&bytes) => Ok(Some(4 + bytes)),
        _ => Err(ClientError::ResponseLength(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_in_pieces_of_any_size() {
        let frames = [&b"four"[..], b"and a longer one", &[7; 300]];
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend_from_slice(&(frame.len() as i32).to_be_bytes());
            bytes.extend_from_slice(frame);
        }
        for piece in 1..=bytes.len() {
            let (mut cutter, mut seen) = (FrameCutter::default(), Vec::new());
            for piece in bytes.chunks(piece) {
                let fed = cutter.feed(piece, |frame| {
                    seen.push(frame.to_vec());
                    Ok::<_, ClientError>(())
                });
                fed.expect("good frames");
            }
            assert_eq!(seen, frames, "{piece}");
        }
    }

    #[test]
    fn impossible_lengths_are_errors() {
        for length in [-1, 0, 3, i32::MAX] {
            let fed =
                FrameCutter::default().feed(&length.to_be_bytes(), |_| Ok::<_, ClientError>(()));
            assert!(fed.is_err(), "{length}");
        }
    }
}
