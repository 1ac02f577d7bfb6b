//! G.722 at 64 kbit/s (mode 1): two bands of ADPCM, a byte for two samples of 16 kHz. Blocks have the names of ITU-T
//! G.722 §3 and §4.

/// Coefficients of the receive quadrature mirror filter (table 11, every other one, 13 bits).
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Logarithmic scale factors and their inverse (tables 14 and 15 to 21).
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
const WH: [i32; 3] = [0, -214, 798];
const RH2: [usize; 4] = [2, 1, 2, 1];
/// Output values of the inverse quantizers of 2, 4 and 6 bits.
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// Adaptive prediction of one band.
#[derive(Debug, Clone, Default)]
struct Band {
    s: i32,
    sz: i32,
    r: [i32; 3],
    a: [i32; 3],
    p: [i32; 3],
    d: [i32; 7],
    b: [i32; 7],
    nb: i32,
    det: i32,
}

impl Band {
    /// LOGSCL and SCALEL, or LOGSCH and SCALEH: how fast the next step is, `most` and `shift` being those of the band.
    fn scale(&mut self, step: i32, most: i32, shift: i32) {
        self.nb = (((self.nb * 127) >> 7) + step).clamp(0, most);
        let value = ILB[((self.nb >> 6) & 31) as usize];
        let down = shift - (self.nb >> 11);
        let value = if down < 0 { value << -down } else { value >> down };
        self.det = value << 2;
    }

    /// Block 4: takes the quantized difference and predicts the next sample.
    fn adapt(&mut self, d: i32) {
        // RECONS, PARREC.
        self.d[0] = d;
        self.r[0] = saturate(self.s + d);
        self.p[0] = saturate(self.sz + d);
        // UPPOL2.
        let sign = |v: i32| v >> 15;
        let wd1 = saturate(self.a[1] << 2);
        let wd2 = if sign(self.p[0]) == sign(self.p[1]) { -wd1 } else { wd1 }.min(32767);
        let wd3 = if sign(self.p[0]) == sign(self.p[2]) { 128 } else { -128 };
        let a2 = (wd3 + (wd2 >> 7) + ((self.a[2] * 32512) >> 15)).clamp(-12288, 12288);
        // UPPOL1.
        let wd1 = if sign(self.p[0]) == sign(self.p[1]) { 192 } else { -192 };
        let most = saturate(15360 - a2);
        let a1 = saturate(wd1 + ((self.a[1] * 32640) >> 15)).clamp(-most, most);
        // UPZERO, DELAYA.
        let wd1 = if d == 0 { 0 } else { 128 };
        for i in (1..7).rev() {
            let wd2 = if sign(self.d[i]) == sign(d) { wd1 } else { -wd1 };
            self.b[i] = saturate(wd2 + ((self.b[i] * 32640) >> 15));
        }
        for i in (1..7).rev() {
            self.d[i] = self.d[i - 1];
        }
        for i in (1..3).rev() {
            self.r[i] = self.r[i - 1];
            self.p[i] = self.p[i - 1];
        }
        (self.a[1], self.a[2]) = (a1, a2);
        // FILTEP, FILTEZ, PREDIC.
        let tap = |coefficient: i32, value: i32| (coefficient * saturate(value + value)) >> 15;
        let sp = saturate(tap(self.a[1], self.r[1]) + tap(self.a[2], self.r[2]));
        let sum: i32 = (1..7).map(|i| tap(self.b[i], self.d[i])).sum();
        self.sz = saturate(sum);
        self.s = saturate(sp + self.sz);
    }
}

#[derive(Debug, Clone)]
pub(super) struct Decoder {
    low: Band,
    high: Band,
    /// What the filter remembers.
    x: [i32; 24],
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            low: Band { det: 32, ..Band::default() },
            high: Band { det: 8, ..Band::default() },
            x: [0; 24],
        }
    }
}

impl Decoder {
    /// Two samples of each byte.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        for &byte in payload {
            let (six, two) = (usize::from(byte & 0x3F), usize::from(byte >> 6));
            let low = (self.low.s + ((self.low.det * QM6[six]) >> 15)).clamp(-16384, 16383);
            let four = six >> 2;
            let difference = (self.low.det * QM4[four]) >> 15;
            self.low.scale(WL[RL42[four]], 18432, 8);
            self.low.adapt(difference);
            let difference = (self.high.det * QM2[two]) >> 15;
            let high = (difference + self.high.s).clamp(-16384, 16383);
            self.high.scale(WH[RH2[two]], 22528, 10);
            self.high.adapt(difference);
            self.x.copy_within(2.., 0);
            (self.x[22], self.x[23]) = (low + high, low - high);
            let (mut first, mut second) = (0, 0);
            for i in 0..12 {
                second += self.x[2 * i] * QMF[i];
                first += self.x[2 * i + 1] * QMF[11 - i];
            }
            out.extend([first, second].map(|sum| saturate(sum >> 11) as i16));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 20 ms of 1 kHz with an amplitude of 8000, as the encoder of SpanDSP codes it (its port in ezk-g722 0.1.2).
    const TONE: &str = "a09c318f258da0a060acc7cad1ddf0eb6efbd4d0d3feb0ec70fcd5d194fef2eef1fdd6d296fff2aff37fd794d7bdf2eff4fdd7d497fdf2f073fe96d497fbb4ef74fd97d4d7bdf3f1f35fd8d399fdf3b1f35fd894d7fab3f073fed75698bdf3f072fed7d698fff3f0717f97d597fbb6f071ffd65496fcb46ff6fdd9d3d9def3b2f37fd994d5bdf3f171fbd8d497f9b56ff3fadbd7dabef5edf1fad9d699fef4ec";

    pub(in crate::output::audio) fn tone() -> Vec<u8> {
        (0..TONE.len()).step_by(2).map(|i| u8::from_str_radix(&TONE[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_tone_comes_back() {
        let bytes = tone();
        let mut out = Vec::new();
        Decoder::default().decode(&bytes, &mut out);
        assert_eq!(out.len(), 2 * bytes.len());
        // The filters take 22 samples, and the steps some to grow.
        let tone = &out[96..];
        let energy = tone.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / tone.len() as f64;
        let rms = 8000.0 / 2f64.sqrt();
        assert!((energy.sqrt() / rms - 1.0).abs() < 0.03, "{}", energy.sqrt());
        // 16 samples are a period of 1 kHz: whatever is not that tone is noise, far below it.
        let noise: f64 =
            (16..tone.len()).map(|i| (f64::from(tone[i]) - f64::from(tone[i - 16])).powi(2)).sum();
        assert!(noise / (tone.len() as f64 * energy) < 0.01);
    }

    #[test]
    fn any_bytes_give_samples() {
        let mut state = 1u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(20_000)
        .collect();
        let mut out = Vec::new();
        Decoder::default().decode(&bytes, &mut out);
        assert_eq!(out.len(), 40_000);
        // Split anywhere it is the same.
        let mut split = Decoder::default();
        let mut parts = Vec::new();
        bytes.chunks(77).for_each(|chunk| split.decode(chunk, &mut parts));
        assert_eq!(parts, out);
    }
}
