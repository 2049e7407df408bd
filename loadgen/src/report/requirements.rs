//! What the operator requires of a result, such as `latency_ns.p99<=5e6`: any number of its JSON form. Pure.

use serde_json::Value;

use super::Report;

/// A requirement that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "--require {0}: write a field of the JSON result, >=, <= or ==, and a number or true or false"
)]
pub struct RequirementError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Equal,
}

/// One requirement.
#[derive(Debug, Clone)]
pub struct Requirement {
    text: String,
    field: String,
    comparison: Comparison,
    value: Value,
}

impl Requirement {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        let kinds = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("==", Comparison::Equal),
        ];
        let wrong = || RequirementError(text.to_owned());
        let split = kinds.iter().find_map(|(sign, comparison)| {
            let (field, value) = text.split_once(sign)?;
            Some((field.trim(), *comparison, value.trim()))
        });
        let (field, comparison, value) = split.ok_or_else(wrong)?;
        let value: Value = serde_json::from_str(value).map_err(|_| wrong())?;
        let fits = match value {
            Value::Number(_) => true,
            Value::Bool(_) => comparison == Comparison::Equal,
            _ => false,
        };
        match fits && !field.is_empty() {
            true => Ok(Self {
                text: text.to_owned(),
                field: field.to_owned(),
                comparison,
                value,
            }),
            false => Err(wrong()),
        }
    }

    fn broken(&self, report: &Value) -> Option<String> {
        let mut found = report;
        for name in self.field.split('.') {
            found = found.get(name).unwrap_or(&Value::Null);
        }
        let holds = match (found.as_f64(), self.value.as_f64()) {
            (Some(found), Some(value)) => match self.comparison {
                Comparison::AtLeast => found >= value,
                Comparison::AtMost => found <= value,
                Comparison::Equal => found == value,
            },
            _ => *found == self.value,
        };
        (!holds).then(|| format!("{}: it is {found}", self.text))
    }
}

/// Writes down in the report which requirements do not hold.
pub fn check(requirements: &[Requirement], report: &mut Report) {
    if requirements.is_empty() {
        return;
    }
    let value = serde_json::to_value(&*report).unwrap_or_default();
    let broken = requirements
        .iter()
        .filter_map(|requirement| requirement.broken(&value));
    report.broken_requirements = broken.collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_hold_or_are_told() {
        let mut report = Report::default();
        report.main.records_per_second = 7e6;
        report.main.latency_ns.p99 = 3_000_000;
        report.main.verified = Some(true);
        let mut broken = |texts: &[&str]| {
            let parsed = texts
                .iter()
                .map(|text| Requirement::parse(text).expect("reads"));
            check(&parsed.collect::<Vec<_>>(), &mut report);
            report.broken_requirements.len()
        };
        let kept = [
            "records_per_second>=7e6",
            "latency_ns.p99 <= 3e6",
            "verified==true",
            "errors==0",
        ];
        assert_eq!(broken(&kept), 0);
        let broken_ones = [
            "records_per_second>=7.1e6",
            "latency_ns.p99<=2e6",
            "verified==false",
            "no.such<=1",
        ];
        assert_eq!(broken(&broken_ones), 4);
        for wrong in ["x", "x>1", ">=1", "x>=y", "x>=true", "x==\"y\""] {
            assert!(Requirement::parse(wrong).is_err(), "{wrong}");
        }
    }
}
