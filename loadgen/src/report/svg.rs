//! Line charts as SVG text, drawn here so that a report needs nothing from anywhere. Pure. Colours are CSS classes of the page.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Ticks aimed at on a linear axis.
const TICKS: f64 = 6.0;
/// Powers of ten over which a logarithmic axis has ticks between them.
const FEW_POWERS: f64 = 2.0;
/// Lines have marks up to so many points.
const MARKS_MAX: usize = 40;

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero or the least, evenly.
    Linear,
    /// By powers of ten; values must be above zero.
    Log,
}

/// One axis.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    /// What and in which unit.
    pub label: &'a str,
    /// How values lie.
    pub scale: Scale,
    /// Text of a tick.
    pub tick: fn(f64) -> String,
    /// Ticks of a linear axis are at least so far apart.
    pub step_min: f64,
}

/// One line.
pub struct Line {
    /// For the legend.
    pub name: String,
    /// Number of its colour.
    pub colour: usize,
    /// Drawn in dashes.
    pub dashed: bool,
    /// In order of x.
    pub points: Vec<(f64, f64)>,
}

/// Bounds of an axis as positions: for a log axis the logarithms.
#[derive(Clone, Copy)]
struct Range {
    scale: Scale,
    min: f64,
    max: f64,
}

impl Range {
    fn over(values: impl Iterator<Item = f64>, scale: Scale, from_zero: bool) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values
            .map(|value| position(scale, value))
            .filter(|value| value.is_finite())
        {
            min = min.min(value);
            max = max.max(value);
        }
        if min > max {
            (min, max) = (0.0, 1.0);
        }
        match scale {
            Scale::Linear if from_zero => {
                min = min.min(0.0);
                max = if max > min {
                    max + (max - min) * 0.05
                } else {
                    min + 1.0
                };
            }
            Scale::Linear => max = if max > min { max } else { min + 1.0 },
            Scale::Log => {
                min = if from_zero { min.floor() } else { min };
                max = if from_zero {
                    max.ceil().max(min + 1.0)
                } else {
                    max.max(min + 1.0)
                };
            }
        }
        Self { scale, min, max }
    }

    /// From 0 to 1.
    fn share(self, value: f64) -> f64 {
        ((position(self.scale, value) - self.min) / (self.max - self.min)).clamp(0.0, 1.0)
    }

    fn ticks(self, step_min: f64) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = nice_step((self.max - self.min) / TICKS).max(step_min);
                let first = (self.min / step).ceil() as i64;
                let last = (self.max / step).floor() as i64;
                (first..=last).map(|number| number as f64 * step).collect()
            }
            Scale::Log => {
                // Where powers of ten alone would leave the axis all but bare, what lies between them is told too.
                let between: &[f64] = match self.max - self.min {
                    few if few <= FEW_POWERS => &[1.0, 2.0, 5.0],
                    _ => &[1.0],
                };
                let powers = self.min.floor() as i32..=self.max.floor() as i32;
                let ticks = powers
                    .flat_map(|power| between.iter().map(move |tick| tick * 10_f64.powi(power)));
                let inside = |tick: &f64| (self.min..=self.max).contains(&tick.log10());
                ticks.filter(inside).collect()
            }
        }
    }
}

fn position(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear => value,
        Scale::Log => value.log10(),
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1e-300).log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|nice| nice * power >= step * 0.999_999);
    nice.unwrap_or(10.0) * power
}

/// A chart of lines.
pub fn chart(title: &str, x: Axis<'_>, y: Axis<'_>, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let across = Range::over(points().map(|point| point.0), x.scale, false);
    let up = Range::over(points().map(|point| point.1), y.scale, true);
    let at_x = |value: f64| LEFT + across.share(value) * (WIDTH - LEFT - RIGHT);
    let at_y = |value: f64| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM);
    let mut out = String::new();
    let title = escape(title);
    // Writing into a string does not fail.
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
    );
    for tick in up.ticks(y.step_min) {
        let (at, end) = (at_y(tick), WIDTH - RIGHT);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{end}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            escape(&(y.tick)(tick))
        );
    }
    for tick in across.ticks(x.step_min) {
        let (at, end) = (at_x(tick), HEIGHT - BOTTOM);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{end}\"/>\
             <text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            end + 17.0,
            escape(&(x.tick)(tick))
        );
    }
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    let _ = write!(
        out,
        "<text class=\"axis\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"axis\" text-anchor=\"middle\" transform=\"rotate(-90)\" x=\"{:.1}\" y=\"14\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        escape(x.label),
        -middle,
        escape(y.label)
    );
    for line in lines {
        put_line(&mut out, line, at_x, at_y);
    }
    out + "</svg>"
}

fn put_line(out: &mut String, line: &Line, at_x: impl Fn(f64) -> f64, at_y: impl Fn(f64) -> f64) {
    let place = |&(x, y): &(f64, f64)| (at_x(x), at_y(y));
    let mut path = String::new();
    for (number, point) in line.points.iter().enumerate() {
        let (x, y) = place(point);
        let _ = write!(path, "{}{x:.1} {y:.1}", if number == 0 { "M" } else { "L" });
    }
    let dashed = if line.dashed { " dashed" } else { "" };
    let (name, colour) = (escape(&line.name), line.colour % COLOURS);
    let _ = write!(
        out,
        "<path class=\"line c{colour}{dashed}\" d=\"{path}\"><title>{name}</title></path>"
    );
    if line.points.len() <= MARKS_MAX {
        for point in &line.points {
            let (x, y) = place(point);
            let _ = write!(
                out,
                "<circle class=\"mark c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{name}</title></circle>"
            );
        }
    }
}

/// Colours that the page knows.
pub const COLOURS: usize = 8;

/// Text as it may stand in SVG and HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: Scale) -> Axis<'static> {
        Axis {
            label: "x & y",
            scale,
            tick: |value| format!("{value}"),
            step_min: 0.0,
        }
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        let range = Range::over([0.0, 97.0].into_iter(), Scale::Linear, true);
        assert_eq!(range.ticks(30.0).len(), 4);
        assert_eq!(range.ticks(0.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        let range = Range::over([0.03, 20.0].into_iter(), Scale::Log, true);
        assert_eq!(range.ticks(0.0), [0.01, 0.1, 1.0, 10.0, 100.0]);
        let range = Range::over([3.0, 40.0].into_iter(), Scale::Log, true);
        assert_eq!(range.ticks(0.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(nice_step(0.03), 0.05);
        assert_eq!(nice_step(7.0), 10.0);
    }

    #[test]
    fn every_point_lies_inside_the_frame_and_text_is_escaped() {
        let line = Line {
            name: "<a>".to_owned(),
            colour: 9,
            dashed: true,
            points: vec![(1.0, 5.0), (10.0, f64::INFINITY), (1000.0, 0.5)],
        };
        let svg = chart("t \"q\"", axis(Scale::Log), axis(Scale::Log), &[line]);
        assert!(svg.contains("&lt;a&gt;") && !svg.contains("<a>"), "{svg}");
        assert!(
            svg.contains("x &amp; y") && svg.contains("c1 dashed"),
            "{svg}"
        );
        for circle in svg.split("cx=\"").skip(1) {
            let x: f64 = circle
                .split('"')
                .next()
                .expect("a number")
                .parse()
                .expect("a number");
            assert!((LEFT..=WIDTH - RIGHT).contains(&x));
        }
        // Nothing to draw is drawn as an empty frame.
        assert!(chart("t", axis(Scale::Linear), axis(Scale::Linear), &[]).ends_with("</svg>"));
    }
}
